"""The page and the short table say what the rows say; the committed ones are those of the committed rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.training.training_error import TrainingError
from models.zoo import page as pages
from models.zoo.cases import NEURONS, STAGES, ZooCase, cases
from models.zoo.page import END, START, page, with_short_table
from models.zoo.row import current, read_rows
from tests.models.zoo.examples import KNOWN, row

ROOT = Path(pages.__file__).parents[2]


def test_a_trained_network_stands_in_every_table() -> None:
    text = page([row()], [])
    assert f"| taaf-av-digits | accuracy | 90.0 | 89.5 | 4 | Lava | `{KNOWN[4]}` |" in text
    assert "| taaf-av-digits | 4 | 40 | 10 | 1,234 | 25.0% | 3 | 0 of 5,000 | 250 (125) | not measured |" in text
    assert "| taaf-av-digits | 4 uJ | 2 uJ | 1 uJ | 3 mJ | 50% | 75% |" in text
    assert "Not measured" not in text


def test_a_speed_that_was_not_taken_says_why() -> None:
    text = page([replace(row(), unmeasured={"CPU": "an earlier failure", "GPU": "took more than 9 s"})], [])
    assert "| 250 (125) | not measured: took more than 9 s |" in text


def test_snnergy_s_rates_stand_as_in_its_table() -> None:
    rates = {f"{name} {stage}": 0.1 * number for name in NEURONS for number, stage in enumerate(STAGES, 1)}
    trained = replace(row(), model="snnergy", parts=[replace(row().parts[0], rates=rates)])
    assert "| Attn | 10.0% | 20.0% | 30.0% | 19 to 44% |" in page([trained], [])
    variant = replace(trained, parts=[replace(row().parts[0], rates={"Attn CM2": 0.2})])
    assert "| Attn |  | 20.0% |  | 19 to 44% |" in page([variant], [])


def test_what_failed_and_what_is_missing_is_said() -> None:
    failed = replace(row(), failed="took more than 3 s", parts=[], metrics={})
    text = page([failed], [ZooCase("taaf", "published")])
    assert "| taaf-av-digits | took more than 3 s |" in text
    assert "## Not measured\n\ntaaf-published." in text
    assert "## Trained networks" not in text


def test_the_short_table_stands_between_its_marks() -> None:
    text = with_short_table(f"before\n{START}\nold\n{END}\nafter\n", [row(), replace(row(), trained=False)])
    assert text.startswith(f"before\n{START}\n| network |")
    assert text.endswith(f"|\n{END}\nafter\n")
    line = f"| taaf-av-digits | accuracy | 90.0 | 89.5 | 4 | 50 | 4 uJ | 2 uJ | 1 uJ | 3 | `{KNOWN[4]}` |"
    assert text.count(line) == 1
    with pytest.raises(TrainingError, match="no lines"):
        with_short_table("before", [])


@pytest.mark.checkout
def test_the_committed_tables_are_of_the_committed_rows() -> None:
    rows = current(read_rows(ROOT / "docs/zoo.jsonl"), cases())
    missing = [case for case in cases() if case.name not in rows]
    again = "python -m models.zoo --page-only, or without --page-only"
    assert (ROOT / "docs/zoo.md").read_text() == page([*rows.values()], missing), again
    readme = (ROOT / "README.md").read_text()
    assert readme == with_short_table(readme, [*rows.values()]), again


@pytest.mark.checkout
def test_causes_of_the_trained_networks_add_up() -> None:
    parts = [part for row in read_rows(ROOT / "docs/zoo.jsonl").values() if row.trained for part in row.parts]
    assert parts
    for part in parts:
        assert part.formula_pj + sum(part.causes_pj.values()) == pytest.approx(part.counted_pj, rel=1e-9)
