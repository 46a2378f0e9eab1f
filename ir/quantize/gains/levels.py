"""
The steps of which weights are multiples: of a matrix, of every row, and the common one of several matrices.

    w = s k        s one number, or one per row, and k whole, -128 <= k <= 127
    w = 3 t k, z = 2 t j      of steps 0.3 and 0.2, whose common step is t = 0.1
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.quantize.weights import PROBE

ROUNDING, ROUNDING_64 = 2.0**-21, 2.0**-50
"""In parts of a number: more than a few roundings to float32, or to float64, make of it."""
MOST_SHIFT = 7
"""Powers of two by which exponents of matrices are tried to differ; where a chip has fewer, weights are rounded as any others."""


@dataclass(frozen=True)
class TrainedLevels:
    """Weights as numbers of one step, or of one step per row."""

    steps: Array
    """(), or (rows,)."""
    levels: Array
    rounding: float
    """Within which weights are their multiples, in parts of themselves, or of half the largest: what lay between cancelled."""
    whole: bool = True
    """Whether the levels are whole; else they are still to be rounded."""


def levels_of(weights: Array, levels: int, below: int | None = None) -> TrainedLevels | None:
    """
    Weights as multiples, `levels` either way at most, of the largest number that allows it; None where none does.

    Args:
        below: levels of negative weights; by default as many.

    >>> found = levels_of(np.array([0.1, -0.3, 0.7], np.float32), 127)
    >>> found.levels.tolist(), round(float(found.steps), 7)
    ([1.0, -3.0, 7.0], 0.1)
    """
    flat, below = weights.ravel(), levels if below is None else below
    if len(np.unique(np.abs(flat[:PROBE]))) > below + 1:
        return None
    magnitudes = np.unique(np.abs(flat[flat != 0])).astype(np.float64)
    if not len(magnitudes) or len(magnitudes) > below:
        return None
    rounding = ROUNDING if np.array_equal(magnitudes, magnitudes.astype(np.float32)) else ROUNDING_64
    widest = max(float(flat.max()) / levels, -float(flat.min()) / below)
    most = np.arange(1, 1 + int(magnitudes[-1] / widest * (1 + rounding)))[:, None]
    multiples = most * (magnitudes / magnitudes[-1])
    whole = np.maximum(np.rint(multiples), 1)
    fits = np.all(np.abs(multiples - whole) <= rounding * np.maximum(multiples, most / 2), axis=1)
    if not fits.any():
        return None
    multiple = whole[fits.argmax()]
    step = magnitudes @ multiple / (multiple @ multiple)
    return TrainedLevels(np.asarray(step), np.rint(weights / step).astype(weights.dtype), rounding)


def levels_of_rows(weights: Array, levels: int, below: int | None = None) -> TrainedLevels | None:
    """The same row by row, each with a step of its own; None where a row has none."""
    rows = list[TrainedLevels]()
    for row in weights:
        found = levels_of(row, levels, below) if np.any(row) else TrainedLevels(np.asarray(np.inf), row, 0.0)
        if found is None:
            return None
        rows.append(found)
    steps = np.array([float(each.steps) for each in rows])
    steps = np.where(np.isinf(steps), steps.min(), steps)  # rows of zeros may have any
    return TrainedLevels(steps, np.stack([each.levels for each in rows]), max(each.rounding for each in rows))


def of_common_steps(into: Mapping[str, TrainedLevels], levels: int) -> dict[str, TrainedLevels]:
    """
    The same as multiples of common steps, powers of two or whole numbers; row by row where rows have steps.

    Empty where mantissas of `levels` either way hold no such multiples.
    """
    rows = max((each.steps.shape for each in into.values()), key=len, default=())
    if any(each.steps.shape != rows and each.levels.shape[:1] != rows for each in into.values()):
        return {}
    steps = np.array([np.broadcast_to(each.steps, rows) for each in into.values()]).reshape(len(into), -1)
    rounding = max((each.rounding for each in into.values()), default=0.0)
    times = _powers_of_two(steps, rounding)
    if times is None:
        largest = [np.abs(each.levels).reshape(*rows, -1).max(axis=-1).reshape(-1) for each in into.values()]
        times = _whole(steps, np.array(largest), levels, rounding, not rows)
    if times is None:
        return {}
    common = (steps / times).mean(axis=0).reshape(rows)
    return {
        name: TrainedLevels(common, _times(each.levels, factor.reshape(rows)), rounding)
        for (name, each), factor in zip(into.items(), times, strict=True)
    }


def _times(levels: Array, factor: Array) -> Array:
    """Levels so many times as large, row by row where rows have factors."""
    return (levels * factor.reshape(factor.shape + (1,) * factor.ndim * (levels.ndim - 1))).astype(levels.dtype)


def _powers_of_two(steps: Array, rounding: float) -> Array | None:
    """(matrices, rows) steps as powers of two of the smallest of every row; None where they are none."""
    ratios = steps / steps.min(axis=0, initial=np.inf)
    times = np.exp2(np.rint(np.log2(ratios)))
    return times if np.all(np.abs(ratios - times) <= rounding * times) else None


def _whole(steps: Array, largest: Array, levels: int, rounding: float, shifted: bool) -> Array | None:
    """
    (matrices, rows) steps as whole numbers of the largest step that mantissas allow, row by row; None where they are none.

    Args:
        largest: level of each. shifted: whether powers of two are free, since matrices have exponents of their own.
    """
    most = np.arange(1, 1 + (levels << MOST_SHIFT if shifted else levels))[:, None, None]
    times = most * (steps / steps.max(axis=0))
    whole = np.maximum(np.rint(times), 1).astype(np.int64)
    mantissas = whole // np.minimum(whole & -whole, 1 << MOST_SHIFT) if shifted else whole
    held = (mantissas == 1) | (mantissas * largest <= levels)
    fits = np.all(held & (np.abs(times - whole) <= rounding * whole), axis=1)
    if not fits.any(axis=0).all():
        return None
    return whole[fits.argmax(axis=0), :, np.arange(steps.shape[1])].T.astype(np.float64)
