"""The page says what results say; the committed one is that of the committed results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.zoo.ablations import page as pages
from models.zoo.ablations.experiments import EXPERIMENTS
from models.zoo.ablations.page import page
from models.zoo.runs import read_results
from models.zoo.training_run import TrainingRun
from tests.models.zoo.ablations.test_experiment import TWO, results

ROOT = Path(pages.__file__).parents[3]


def test_a_table_has_means_spreads_and_what_is_missing() -> None:
    text = page([TWO], results([90.0, 91.0, 92.0], []))
    assert "6 runs, 3 of them done; about 0.2 hours of one core in all, 0.1 of two." in text
    assert "| two | 3 | 2 | 6 | 3 |" in text
    assert "| a |  | 91.0 ± 1.0 | 3 of 3 |" in text
    assert "| b | `T=1` | not measured | 0 of 3 |" in text
    assert "* a is better than b: **not measured**." in text
    assert "| a |  | 90.0 | 1 of 3 |" in page([TWO], results([90.0], [])), "one seed has no spread"


def test_other_metrics_stand_beside_it() -> None:
    both = replace(TWO, others=("cross entropy",))
    runs = {run: {**metrics, "cross entropy": 0.25} for run, metrics in results([90.0], []).items()}
    assert "| a |  | 90.0 | 0.250 | 1 of 3 |" in page([both], runs)


@pytest.mark.checkout
def test_the_committed_page_is_of_the_committed_results() -> None:
    results = read_results(ROOT / "docs/ablations.jsonl", TrainingRun.of)
    assert len(results) >= 12
    assert (ROOT / "docs/ablations.md").read_text() == page(EXPERIMENTS, results)
