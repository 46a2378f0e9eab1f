"""Which networks at which numbers of bits, on what schedule, and what they are to keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.zoo.ablations.experiment import Experiment
from models.zoo.ablations.experiments import DEFAULTS
from models.zoo.few_bits.quantized_run import QuantizedRun

SEEDS: Mapping[int, int] = {8: 3, 6: 1, 4: 3, 3: 1, 2: 3}
"""Bits of a weight -> seeds, from 0; three where there is a goal."""
EPOCHS: Mapping[int, int] = {8: 1, 6: 1, 4: 4, 3: 4, 2: 8}
"""Bits of a weight -> epochs of fine-tuning."""
LONGER: Mapping[tuple[str, int], int] = {("cmsf-digits", 2): 16, ("spikeclip-emoji-styles", 2): 16}
"""The same of a network whose loss still falls after those."""
NETWORKS: Mapping[str, Experiment] = {experiment.name: experiment for experiment in DEFAULTS}
"""The trained networks, with their trainings."""


@dataclass(frozen=True)
class Goal:
    """Points that integers may lose in the mean over the seeds, or one test sample, where that is more."""

    bits: int
    way: str
    """`rounded` or `tuned`."""
    points: float


GOALS = (Goal(8, "rounded", 0.3), Goal(8, "tuned", 0.1), Goal(4, "tuned", 1.0), Goal(2, "tuned", 3.0))
RECALLS = 6
"""That R@Sum adds up: a point of it is a sixth of one of each."""


def quantized_runs(names: Sequence[str]) -> list[QuantizedRun]:
    """All runs of some networks: first seeds first, then what has a goal."""
    found = [run for name in names for bits in SEEDS for run in runs_at(NETWORKS[name], bits)]
    return sorted(found, key=lambda run: (run.floats.seed, -SEEDS[run.bits]))


def runs_at(network: Experiment, bits: int) -> list[QuantizedRun]:
    """One per seed."""
    epochs = LONGER.get((network.name, bits), EPOCHS[bits])
    return [QuantizedRun(floats, bits, epochs) for floats in network.runs(network.arms[0])[: SEEDS[bits]]]
