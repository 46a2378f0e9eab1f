"""An experiment: arms that differ in one respect, the claims of a paper about them, and whether runs bear these out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from models.zoo.training_run import TrainingRun

Results = Mapping[TrainingRun, Mapping[str, float]]
"""Run -> its metrics on the test split."""


@dataclass(frozen=True)
class Arm:
    """A variant."""

    label: str
    changes: tuple[str, ...] = ()
    seeds: int = 3
    """How many, from 0; three where a claim compares it, one elsewhere."""
    integers: bool = False
    """Whether its runs are those of an experiment that has the integers, too."""


@dataclass(frozen=True)
class Claim:
    """One thing that a paper says."""

    text: str
    better: str = ""
    """Label of the arm that is ahead."""
    worse: str = ""
    settled: str = ""
    """The verdict of a claim that no arms decide, with its reason."""
    metric: str = ""
    """What it is about, where that is not the experiment's own."""


@dataclass(frozen=True)
class Experiment:
    """Arms of one schedule."""

    name: str
    title: str
    model: str
    config: str
    metric: str
    epochs: int
    """`--epochs` of all arms."""
    minutes: float
    """Of one run on one thread, as far as known."""
    arms: tuple[Arm, ...]
    claims: tuple[Claim, ...] = ()
    others: tuple[str, ...] = ()
    """Metrics that stand beside it in the table."""
    remarks: str = ""
    """What a reader must know beside the table."""
    integers: bool = False
    """Whether the chip's integers are measured, too, as METRIC, integers."""

    def runs(self, arm: Arm) -> tuple[TrainingRun, ...]:
        """The runs of an arm, one per seed."""
        made = (self.model, self.config, arm.changes, self.epochs)
        return tuple(TrainingRun(*made, seed, self.integers or arm.integers) for seed in range(arm.seeds))

    def values(self, label: str, results: Results, metric: str) -> list[float]:
        """A metric of the runs of an arm that have ended."""
        arm = next(arm for arm in self.arms if arm.label == label)
        found = [results.get(run, {}) for run in self.runs(arm)]
        return [each[metric] for each in found if metric in each]

    def verdict(self, claim: Claim, results: Results) -> str:
        """
        Whether the runs bear a claim out: its arm is ahead by more than either arm's spread over the seeds.

        Behind by more, it is contradicted; between the two, undecided. Where an arm has runs missing the claim is not measured.
        """
        if claim.settled:
            return claim.settled
        metric = claim.metric or self.metric
        ahead, behind = (self.values(label, results, metric) for label in (claim.better, claim.worse))
        if min(len(ahead), len(behind)) < 2 or len(ahead) + len(behind) < self._seeds(claim):
            return "not measured"
        lead, spread = mean(ahead) - mean(behind), max(stdev(ahead), stdev(behind))
        alike = f"{abs(lead):.1f}" == f"{spread:.1f}" and abs(lead) != spread
        digits = 2 if alike else 1
        told = f"{lead:+.{digits}f}, spread {spread:.{digits}f}"
        if abs(lead) <= spread:
            return f"not reproduced here (undecided: {told})"
        return f"reproduced here: {told}" if lead > 0 else f"not reproduced here: {told}"

    def _seeds(self, claim: Claim) -> int:
        return sum(arm.seeds for arm in self.arms if arm.label in (claim.better, claim.worse))


def all_runs(experiments: Sequence[Experiment]) -> list[TrainingRun]:
    """Every run once, first seeds first, so that an interrupted schedule has a table of all arms early."""
    runs = [run for experiment in experiments for arm in experiment.arms for run in experiment.runs(arm)]
    return sorted(dict.fromkeys(runs), key=lambda run: run.seed)


def core_minutes(experiments: Sequence[Experiment]) -> float:
    """How long all runs take on one thread; those of the same files, whose training is the same, are counted once."""
    minutes = {run.name: each.minutes for each in experiments for arm in each.arms for run in each.runs(arm)}
    return sum(minutes.values())
