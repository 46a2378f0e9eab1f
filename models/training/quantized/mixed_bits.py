"""
Mixed precision: of every weight as few bits as a metric on dev allows.

Fewer bits save memory and cost noise, how far currents are off on the calibration samples in parts of their own power. Of every
weight, widths are left out that lie above the line between two others; what is left narrows it step by step, each dearer than
the one before:

    price = noise that a step adds / bits of memory that it saves

Steps of all weights are taken in the order of their prices. How many the metric allows is searched by halves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from compile.evaluation.training_grids import RowGrid
from models.training.training_error import TrainingError

Grids = Mapping[str, Sequence[RowGrid]]
"""Part -> the grids of its weights."""


@dataclass(frozen=True)
class Narrowing:
    """One weight to fewer bits."""

    price: float
    part: str
    index: int
    """Of the weight among those of its part."""
    bits: int


def fewest_bits(tables: Mapping[int, Grids], measure: Callable[[Grids], float], least: float) -> Grids:
    """
    Grids of the fewest bits that keep the metric.

    Args:
        tables: bits of weights -> the grids of all weights, the same weights in the same order.
        measure: what a network on such grids is worth; larger is better. least: what it must be worth.

    Raises:
        TrainingError: it is worth less with the most bits.
    """
    steps = _steps(tables)
    worth = measure(_narrowed(tables, ()))
    if worth < least:
        what = f"with {max(tables)} bits everywhere dev is {least - worth:.4g} worse than the budget allows"
        raise TrainingError(what, hint="allow more bits, or a larger --budget")
    right, wrong = 0, len(steps) + 1
    while wrong - right > 1:
        middle = (right + wrong) // 2
        kept = measure(_narrowed(tables, steps[:middle])) >= least
        right, wrong = (middle, wrong) if kept else (right, middle)
    return _narrowed(tables, steps[:right])


def _steps(tables: Mapping[int, Grids]) -> list[Narrowing]:
    """All steps, the cheapest first."""
    widest = tables[max(tables)]
    steps = [
        step
        for part, grids in widest.items()
        for index in range(len(grids))
        for step in _steps_of({bits: table[part][index] for bits, table in tables.items()}, part, index)
    ]
    return sorted(steps, key=lambda step: step.price)


def _steps_of(widths: Mapping[int, RowGrid], part: str, index: int) -> list[Narrowing]:
    """Those of one weight, cheap to dear."""
    bits, steps = max(widths), list[Narrowing]()
    while bits > min(widths):
        here, size = widths[bits].grid, widths[bits].grid.weights.size
        prices = {
            fewer: max(0.0, grid.grid.noise - here.noise) / ((bits - fewer) * size)
            for fewer, grid in widths.items()
            if fewer < bits
        }
        bits = min(prices, key=lambda fewer: (prices[fewer], fewer))
        steps.append(Narrowing(prices[bits], part, index, bits))
    return steps


def _narrowed(tables: Mapping[int, Grids], steps: Sequence[Narrowing]) -> Grids:
    """The widest grids after some steps."""
    bits = {(step.part, step.index): step.bits for step in steps}  # the last one of a weight counts
    widest = max(tables)
    return {
        part: [tables[bits.get((part, index), widest)][part][index] for index in range(len(grids))]
        for part, grids in tables[widest].items()
    }
