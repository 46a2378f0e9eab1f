"""
Steps for rows of weights that have none yet: as fine as the largest weight of a row allows, and parts of the neurons' threshold.

    n = floor(127 theta / max |w| - 1/2),    s = theta / (n + 1/2),    w = s k    with k from -127 to 127, still to be rounded

Exponents alone leave a row between 64 and 127 of its levels. Sums of rounded weights that are n may have been anything from
n - 1/2: a threshold between two of them is passed as often too early as too late. Coarse steps are whole parts of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ir.graph import Array

FINER = np.exp2(np.arange(13) / 4)
"""By how much a step may be finer than the largest weight needs it; what lies beyond is cut off, which few bits gain by."""
CUT = 3
"""How many times what is cut off counts: errors of rounding cancel in a sum, these have the signs of their weights."""
FINE = 32
"""Steps of a threshold from which on half a one more helps; where there are fewer, cut weights fire too late as it is."""
SAMPLE = 1024
"""Weights of a row by which its steps are compared."""


def own_steps(matrices: Sequence[Array], threshold: float, least: Array, levels: int) -> Array:
    """
    (rows,) the step of every row, one for all matrices, and of their floats.

    Args:
        matrices: (rows, ...) all that feeds the rows, some weight of which is not 0.
        threshold: the least of the neurons, in currents, above 0.
        least: (rows,) no step is finer. levels: the largest multiple of either sign.

    >>> own_steps([np.array([[0.5, -0.1], [0.0, 0.3]])], 1.0, np.zeros(2), 127).round(5).tolist()
    [0.00394, 0.00237]
    """
    flat = [np.abs(matrix).reshape(len(matrix), -1).astype(np.float64) for matrix in matrices]
    largest = np.max([weights.max(axis=1) for weights in flat], axis=0)
    finest = np.maximum(np.where(largest > 0, largest, largest.max()) / levels, least)
    some = np.concatenate([weights[:, :: -(-weights.shape[1] // SAMPLE)] for weights in flat], axis=1)
    parts = [_parts_of(threshold, np.maximum(finest / finer, least)) for finer in FINER]
    tried = np.array(
        [*parts, np.maximum(finest, parts[0])]
    )  # the last is beyond the threshold where weights are far beyond it
    costs = np.array([_cost(some, steps[:, None], levels) for steps in tried])
    best = tried[costs.argmin(axis=0), np.arange(len(finest))]
    kind = np.result_type(np.float32, *matrices)
    return (best * (1 + 4 * np.finfo(kind).eps)).astype(kind)  # so many parts reach the threshold, whatever was rounded


def _parts_of(threshold: float, steps: Array) -> Array:
    """Steps, as little coarser as a threshold is then a whole number of them, or that and a half; at most the threshold."""
    halves, whole = np.floor(threshold / steps - 0.5) + 0.5, np.floor(threshold / steps)
    return threshold / np.where(halves > FINE, halves, np.maximum(whole, 1))


def _cost(weights: Array, steps: Array, levels: int) -> Array:
    """How far rounding takes each row, squared."""
    multiples = weights / steps
    rounded = np.rint(multiples)
    off = (np.minimum(rounded, levels) - multiples) * steps
    return np.sum(np.where(rounded > levels, CUT, 1) * off**2, axis=1)
