"""The page says what results say, and verdicts are worked out by hand; the committed one is that of the committed results."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.training.run_files import RunFiles
from models.zoo.cases import ENTRIES
from models.zoo.few_bits import page as pages
from models.zoo.few_bits.networks import NETWORKS, Goal, runs_at
from models.zoo.few_bits.page import page, verdict
from models.zoo.few_bits.quantized_run import QuantizedRun
from models.zoo.runs import read_results
from models.zoo.training_run import final_metrics

ROOT = Path(pages.__file__).parents[3]
TAAF = NETWORKS["taaf-av-digits"]
SPIKES = {"kept": 90.0, "lost": 10.0, "added": 9.0}


def results(network: str, bits: int, lost: list[float], samples: int = 1000) -> dict[QuantizedRun, dict[str, float]]:
    """Runs that lose so much fine-tuned, and twice as much rounded."""
    own, made = NETWORKS[network], dict[QuantizedRun, dict[str, float]]()
    for run, less in zip(runs_at(own, bits), lost, strict=False):
        ways = {"rounded": 90.0 - 2 * less, "tuned": 90.0 - less}
        integers = {
            f"{way} {key}": number
            for way, value in ways.items()
            for key, number in {own.metric: value, **SPIKES, "uJ": 7.0, "cores": 12}.items()
        }
        made[run] = {f"floats {own.metric}": 90.0, **integers, "samples": samples}
    return made


def test_a_table_has_means_spreads_and_what_is_missing() -> None:
    text = page(results("taaf-av-digits", 4, [0.0, 1.0, 2.0]))
    assert (
        "| 4 | 90.0 ± 0.0 | 88.0 ± 2.0 | 90.0, 10.0, 9.0 | 4 | 89.0 ± 1.0 | 90.0, 10.0, 9.0 | 7.0 ± 0.0 | 12.0 ± 0.0 | 3 of 3 |"
        in text
    )
    assert f"| 2 |{' not measured |' * 8} 0 of 3 |" in text
    assert "* 4 bits, fine-tuned, lose at most 1: **reached: lost 1.00**." in text
    assert "3 of them done" in text


@pytest.mark.parametrize(
    ("network", "lost", "samples", "said"),
    [
        ("taaf-av-digits", [1.0, 1.0, 1.0], 1000, "reached: lost 1.00"),
        ("taaf-av-digits", [1.1, 1.0, 1.0], 1000, "not reached: lost 1.03"),
        ("taaf-av-digits", [1.1, 1.0, 1.0], 50, "reached: lost 1.03"),  # a sample is two points
        ("taaf-av-digits", [-1.0, 0.0, 0.0], 1000, "reached: gained 0.33"),
        ("taaf-av-digits", [0.0, 0.0], 1000, "not measured"),
        ("cmsf-digits", [6.0, 6.0, 6.0], 1000, "reached: lost 1.00"),  # in the mean of six recalls
        ("cmsf-digits", [6.6, 6.0, 6.0], 1000, "not reached: lost 1.03"),
        ("taaf-av-digits", [90 - 89.9 * 919 / 919 + 100 / 60 - 0.1] * 3, 60, "reached: lost 1.67"),  # one sample
    ],
)
def test_a_goal_is_reached_by_the_mean_of_three_seeds(network: str, lost: list[float], samples: int, said: str) -> None:
    made = results(network, 4, lost, samples)
    assert verdict(NETWORKS[network], Goal(4, "tuned", 1.0), made) == said


def test_rounded_weights_are_judged_by_their_own_losses() -> None:
    made = results("taaf-av-digits", 8, [0.125, 0.125, 0.125])
    assert verdict(TAAF, Goal(8, "rounded", 0.25), made) == "reached: lost 0.25"
    assert verdict(TAAF, Goal(8, "rounded", 0.125), made) == "not reached: lost 0.25"


@pytest.mark.checkout
def test_the_committed_page_is_of_the_committed_results() -> None:
    kept = read_results(ROOT / "docs/few-bits.jsonl", QuantizedRun.of)
    assert (ROOT / "docs/few-bits.md").read_text() == page(kept)
    for run, metrics in kept.items():
        if run.floats.seed == 0:
            log = final_metrics(RunFiles(ENTRIES[run.floats.model].module.weights(run.floats.config)).log)
            assert log is not None
            assert {name: metrics[f"floats {name}"] for name in log} == log, "of other weights"
