"""Verdicts of claims and sums of schedules, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.zoo.ablations.experiment import Arm, Claim, Experiment, all_runs, core_minutes
from models.zoo.training_run import TrainingRun

CLAIM = Claim("a is better than b", "a", "b")
TWO = Experiment("two", "X: two", "taaf", "av-digits", "accuracy", 3, 2.0, (Arm("a"), Arm("b", ("T=1",))), (CLAIM,))


def results(first: list[float], second: list[float]) -> dict[TrainingRun, dict[str, float]]:
    values = {"a": first, "b": second}
    pairs = [pair for arm in TWO.arms for pair in zip(TWO.runs(arm), values[arm.label], strict=False)]
    return {run: {"accuracy": value} for run, value in pairs}


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ([90.0, 91.0, 92.0], [88.0, 88.0, 88.0], "reproduced here: +3.0, spread 1.0"),
        ([90.0, 91.0, 92.0], [86.0, 90.0, 91.0], "not reproduced here (undecided: +2.0, spread 2.6)"),
        ([89.0, 89.0, 89.0], [88.0, 90.0, 92.0], "not reproduced here (undecided: -1.0, spread 2.0)"),
        ([90.02, 91.02, 92.02], [90.0, 90.0, 90.0], "reproduced here: +1.02, spread 1.00"),
        ([90.0, 90.0, 90.0], [90.0, 90.0, 90.0], "not reproduced here (undecided: +0.0, spread 0.0)"),
        ([88.0, 88.0, 88.0], [90.0, 91.0, 92.0], "not reproduced here: -3.0, spread 1.0"),
        ([90.0, 91.0], [88.0, 88.0, 88.0], "not measured"),
        ([], [], "not measured"),
    ],
)
def test_a_claim_holds_where_its_arm_leads_by_more_than_the_spread(
    first: list[float], second: list[float], verdict: str
) -> None:
    assert TWO.verdict(CLAIM, results(first, second)) == verdict


def test_a_claim_may_be_about_another_metric() -> None:
    found = {run: {**values, "video": -values["accuracy"]} for run, values in results([90.0] * 3, [88.0] * 3).items()}
    assert TWO.verdict(replace(CLAIM, metric="video"), found) == "not reproduced here: -2.0, spread 0.0"


def test_an_arm_may_share_runs_whose_integers_are_measured() -> None:
    shared = replace(TWO, arms=(replace(TWO.arms[0], integers=True),))
    assert shared.runs(shared.arms[0]) == replace(TWO, integers=True).runs(TWO.arms[0])


def test_a_claim_that_no_arms_decide_says_why() -> None:
    assert TWO.verdict(Claim("99 %", settled="not testable"), {}) == "not testable"


def test_runs_are_of_arms_and_seeds_first_seeds_first() -> None:
    other = replace(TWO, name="other", minutes=5.0, arms=(Arm("a"), Arm("c", ("T=2",), seeds=1)))
    runs = all_runs([TWO, other])
    assert [(run.changes, run.seed) for run in runs] == [
        ((), 0),
        (("T=1",), 0),
        (("T=2",), 0),
        *[(changes, seed) for seed in (1, 2) for changes in ((), ("T=1",))],
    ]
    assert core_minutes([TWO]) == 6 * 2.0
    assert core_minutes([other, TWO]) == 6 * 2.0 + 1 * 5.0, "what both have is trained once"
    assert core_minutes([TWO, replace(TWO, integers=True)]) == 6 * 2.0, "integers need no other training"
    assert runs[1].name == "taaf_av-digits_T-1_3-epochs_seed-0"
