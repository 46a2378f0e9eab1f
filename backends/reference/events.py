"""
Products of spikes with weights, event by event: exact additions of eight-bit weights, as many as there are synaptic events.

Dense products do the same work for every input, active or not. Which is faster depends on how many inputs are active, how many
targets share their list, and on the processor's products of bytes; `ns` and `dense_ns` estimate both.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import torch

from backends.reference.int8 import common_shift
from ir.graph import Array

WIDTH = 1024
"""Targets of one pass; their weights from a thousand inputs stay in the second cache."""


class EventWeights:
    """
    A matrix (outputs, inputs) of integers of eight bits, powers of two that they share apart (`int8.fits`).

    kernels: the compiled ones.
    """

    def __init__(self, weight: Array, kernels: Any) -> None:
        shift = common_shift(weight)
        self._outputs, self._inputs = weight.shape
        strips = max(1, ceil(self._outputs / WIDTH))
        width = ceil(self._outputs / strips)
        columns = np.zeros((strips * width, self._inputs + 1), np.int8)
        columns[: self._outputs, :-1] = weight >> shift
        self._rows = torch.empty(
            (strips, self._inputs + 1, width), dtype=torch.int8
        ).numpy()  # on a cache line's border
        self._rows[:] = columns.reshape(strips, width, -1).transpose(0, 2, 1)
        self._gain = np.float32(1 << shift)
        self._kernels = kernels

    def product(self, x: torch.Tensor, dense_ns: float) -> torch.Tensor | None:
        """
        x (..., inputs) uint8, contiguous -> float32 (..., outputs); None where the inputs are too active for it to pay.

        Args:
            dense_ns: what the product costs otherwise.
        """
        inputs, outputs = self._inputs, self._outputs
        spikes = x.numpy().reshape(-1, inputs)
        if _ns(len(spikes), inputs, outputs, 0) > dense_ns:
            return None
        events = self._kernels.total(spikes.reshape(-1))
        if _ns(len(spikes), inputs, outputs, events) > dense_ns:
            return None
        y = torch.empty((*x.shape[:-1], outputs))
        self._kernels.event_product(spikes, events, self._rows, self._gain, y.numpy().reshape(-1, outputs))
        return y


def _ns(rows: int, inputs: int, outputs: int, events: int) -> float:
    """Nanoseconds of a product by events, as measured on one core with AVX-512: the call, the list, the additions."""
    return 2_000 + rows * (30 + 0.3 * inputs) + (events + 4 * rows) * outputs * 0.016


def dense_ns(multiplications: int, bytewise: bool) -> float:
    """Nanoseconds of a dense product on the same core, of bytes or of float32."""
    return 20_000 + multiplications * 0.0048 if bytewise else 3_000 + multiplications * 0.026
