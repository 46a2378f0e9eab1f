"""Convolutions event by event, where that is faster than for all positions at once; see `weights` for the reasons."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.event_driven import event_kernels
from ir.graph import Array
from ir.ops.linear import Conv

CALL_NS, LOOK_NS, REACH_NS, ADD_NS = 3_000, 1.0, 10.0, 0.06
"""On one core with AVX-512: a call, an input looked at, a target position reached, an addition there."""


class EventConvolution:
    """
    The kernels (outputs, inputs / groups, height, width) of a convolution of integers, for images of one size.

    Args:
        sizes: height and width of the images. compiled: what computes.
    """

    def __init__(self, op: Conv, weight: Array, sizes: tuple[int, int], compiled: Any) -> None:
        outputs, per_group, *taps = weight.shape
        grouped = weight.reshape(op.groups, outputs // op.groups, per_group, *taps).transpose(0, 2, 3, 4, 1)
        self._weights = np.ascontiguousarray(grouped, np.float32).reshape(-1, *taps, outputs // op.groups)
        self._groups, self._compiled = op.groups, compiled
        self._places, self._sizes = zip(*(_reached(op, axis, sizes[axis], taps[axis]) for axis in (0, 1)), strict=True)
        reached = [places[:, 0].mean() for places in self._places]
        self._event_ns = reached[0] * reached[1] * (REACH_NS + ADD_NS * self._weights.shape[3])

    def convolve(self, x: Array, dense_ns: float) -> Array | None:
        """
        x (rows, inputs, height, width), C-contiguous -> float32 (rows, height, width, outputs); None where it does not pay.

        Args:
            x: whole numbers; float32 must hold every sum of magnitudes. dense_ns: what the convolution costs otherwise.
        """
        price = CALL_NS + LOOK_NS * x.size
        if price > dense_ns or price + self._event_ns * self._compiled.active(x.reshape(-1)) > dense_ns:
            return None
        y = np.zeros((len(x), *self._sizes, self._groups, self._weights.shape[3]), np.float32)
        self._compiled.convolution(x, self._weights, *self._places, y)
        return y.reshape(*y.shape[:3], -1)


def event_convolution(op: Conv, weight: Array, sizes: tuple[int, int]) -> EventConvolution | None:
    """The convolution by events; None where there is no numba."""
    compiled = event_kernels()
    return None if compiled is None else EventConvolution(op, weight, sizes, compiled)


def _reached(op: Conv, axis: int, size: int, taps: int) -> tuple[Array, int]:
    """(what every position reaches, see `kernels.convolution`; outputs) along an axis."""
    outputs = len(op.reads(axis, size, taps))
    offset = op.gaps[axis] * np.arange(size)[:, None] + op.padding[axis] - op.dilation[axis] * np.arange(taps)
    place, beside = np.divmod(offset, op.stride[axis])
    reached = np.zeros((size, 1 + 2 * taps), np.int64)
    for row, at, fits in zip(reached, place, (beside == 0) & (place >= 0) & (place < outputs), strict=True):
        targets = np.stack([at[fits], np.flatnonzero(fits)], axis=1).ravel()
        row[0], row[1 : 1 + len(targets)] = len(targets) // 2, targets
    return reached, outputs
