"""The order of the steps against brute force over all mixtures, and the budget against what was measured."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from compile.evaluation.training_grids import RowGrid
from ir.quantize.grids import WeightGrid
from models.training.quantized.mixed_bits import Grids, fewest_bits
from models.training.training_error import TrainingError

WIDTHS = (8, 4, 3, 2)
NOISE = {"a": (4, (0.0, 1.0, 9.0, 20.0)), "b": (16, (0.0, 0.5, 2.0, 40.0)), "c": (8, (0.1, 6.0, 6.5, 7.0))}
"""Weight -> how many, and the noise at every width. Four and three bits of `c` lie above the line from eight to two."""


def grid(name: str, size: int, bits: int, noise: float) -> RowGrid:
    nothing = np.zeros((1, size))
    return RowGrid(name, slice(0, 1), None, WeightGrid(nothing, (1 << bits - 1) - 1, nothing, nothing, 1.0, noise))


@pytest.fixture
def tables() -> dict[int, Grids]:
    def of(part: str, place: int, bits: int) -> list[RowGrid]:
        return [
            grid(name, size, bits, noise[place])
            for name, (size, noise) in NOISE.items()
            if (name == "c") == (part == "y")
        ]

    return {bits: {part: of(part, place, bits) for part in "xy"} for place, bits in enumerate(WIDTHS)}


def noise(grids: Grids) -> float:
    return sum(each.grid.noise for part in grids.values() for each in part)


def memory(grids: Grids) -> int:
    return sum(each.grid.weights.size * each.bits for part in grids.values() for each in part)


def bits(grids: Grids) -> dict[str, int]:
    return {each.weight: each.bits for part in grids.values() for each in part}


def all_mixtures() -> list[tuple[float, int]]:
    """(noise, memory) of every choice."""
    choices = [[(noises[place], size * WIDTHS[place]) for place in range(4)] for size, noises in NOISE.values()]
    return [(sum(one[0] for one in mixture), sum(one[1] for one in mixture)) for mixture in product(*choices)]


@pytest.mark.parametrize("allowed", [0.1, 0.5, 0.61, 2.2, 3.1, 9.0, 9.2, 10.2, 18.0, 50.0, 70.0])
def test_no_other_mixture_has_less_noise_in_as_little_memory(tables: dict[int, Grids], allowed: float):
    chosen = fewest_bits(tables, lambda grids: -noise(grids), -allowed)
    assert noise(chosen) <= allowed
    assert not any(other < noise(chosen) - 1e-9 and size <= memory(chosen) for other, size in all_mixtures())


@pytest.mark.parametrize(
    ("allowed", "chosen"),
    [
        (0.1, {"a": 8, "b": 8, "c": 8}),
        (0.6, {"a": 8, "b": 4, "c": 8}),  # 0.5 / 64 a bit saved; a: 1 / 16
        (1.6, {"a": 4, "b": 4, "c": 8}),
        (3.1, {"a": 4, "b": 3, "c": 8}),  # 1.5 / 16
        (10.0, {"a": 4, "b": 3, "c": 2}),  # 6.9 / 48
        (99.0, {"a": 2, "b": 2, "c": 2}),
    ],
)
def test_steps_are_taken_in_the_order_of_their_prices(tables: dict[int, Grids], allowed: float, chosen: dict[str, int]):
    assert bits(fewest_bits(tables, lambda grids: -noise(grids), -allowed)) == chosen


def test_what_is_given_was_measured_and_kept_the_budget(tables: dict[int, Grids]):
    seen = dict[int, float]()

    def measure(grids: Grids) -> float:
        seen[memory(grids)] = 50.0 if memory(grids) > 100 else 47.9
        return seen[memory(grids)]

    chosen = fewest_bits(tables, measure, 48.0)
    assert seen[memory(chosen)] == 50.0
    assert len(seen) <= 5, "by halves"


def test_a_budget_that_the_most_bits_exceed(tables: dict[int, Grids]):
    with pytest.raises(TrainingError, match="with 8 bits everywhere dev is 1 worse than the budget allows"):
        fewest_bits(tables, lambda grids: 47.0, 48.0)
