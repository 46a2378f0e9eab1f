"""
Products of spikes or payloads with eight-bit weights, event by event, where that is faster than for all inputs at once.

What it costs depends on how many inputs are active and how many targets share the list of these; `Price` estimates it, and what
dense products cost. Wrong estimates cost time, never exactness.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from backends.event_driven import event_kernels
from backends.event_driven.eight_bits import fits, mantissas
from ir.graph import Array

WIDTH = 1024
"""Targets of one pass; their weights from a thousand inputs stay in the second cache."""
ROWS = 2048
"""Rows whose events are listed at once: four bytes each."""
LINE = 64
"""Bytes of a cache line; wide additions of rows that cross one take twice as long."""


@dataclass(frozen=True)
class Price:
    """Nanoseconds, as measured on one core with AVX-512."""

    call: float
    """Of a call."""
    look: float
    """For an input looked at."""
    add: float
    """For an addition to a target."""

    def of(self, rows: int, inputs: int, outputs: int, events: int) -> float:
        """A product of `rows` rows with so many events in all, each row filled up by four on average."""
        return self.call + rows * (30 + self.look * inputs) + (events + 4 * rows) * outputs * self.add


SPIKES, PAYLOADS = Price(2_000, 0.3, 0.016), Price(2_000, 0.5, 0.05)


def dense_ns(multiplications: float, bytewise: bool) -> float:
    """Nanoseconds of a dense product on the same core, of bytes or of float32."""
    return 20_000 + multiplications * 0.0048 if bytewise else 3_000 + multiplications * 0.026


class EventWeights:
    """A matrix (outputs, inputs) of integers that `fits` eight bits, by the `compiled` kernels."""

    def __init__(self, weight: Array, compiled: Any) -> None:
        bytes_, shared, of_rows = mantissas(weight)
        self._outputs, self._inputs = weight.shape
        strips = max(1, ceil(self._outputs / WIDTH))
        width = ceil(self._outputs / strips)
        columns = np.zeros((strips * width, self._inputs + 1), np.int8)
        columns[: self._outputs, :-1] = bytes_
        self._rows = _aligned((strips, self._inputs + 1, width))
        self._rows[:] = columns.reshape(strips, width, -1).transpose(0, 2, 1)
        self._gain = np.float32(shared)
        self._row_gains = None if of_rows is None else of_rows.astype(np.float32)
        self._compiled = compiled

    def product(self, x: Array, dense_ns: float) -> Array | None:
        """
        x (..., inputs), C-contiguous -> float32 (..., outputs); None where inputs are too active for it to pay.

        Args:
            x: numbers of events, uint8, or payloads of another type; float32 must hold every sum of magnitudes.
            dense_ns: what the product costs otherwise.
        """
        compiled, inputs, outputs = self._compiled, self._inputs, self._outputs
        rows = x.reshape(x.size // max(1, inputs), inputs)
        price, count, multiply = (
            (SPIKES, compiled.total, compiled.spike_product)
            if x.dtype == np.uint8
            else (PAYLOADS, compiled.active, compiled.payload_product)
        )
        if price.of(len(rows), inputs, outputs, 0) > dense_ns:
            return None
        blocks = [slice(first, first + ROWS) for first in range(0, len(rows), ROWS)]
        events = [count(rows[block].reshape(-1)) for block in blocks]
        if price.of(len(rows), inputs, outputs, sum(events)) > dense_ns:
            return None
        y = np.empty((len(rows), outputs), np.float32)
        for block, active in zip(blocks, events, strict=True):
            multiply(rows[block], active, self._rows, self._gain, y[block])
        if self._row_gains is not None:
            y *= self._row_gains
        return y.reshape(*x.shape[:-1], outputs)


def event_weights(weight: Array) -> EventWeights | None:
    """The weights (outputs, inputs) for products by events; None where they have more than eight bits, or there is no numba."""
    compiled = event_kernels()
    return EventWeights(weight, compiled) if compiled is not None and fits(weight) else None


def _aligned(shape: tuple[int, ...]) -> Array:
    """Memory (int8) that starts with a cache line."""
    size = int(np.prod(shape))
    memory = np.empty(size + LINE, np.int8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size].reshape(shape)
