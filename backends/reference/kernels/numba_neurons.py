"""
Populations of the chip's plain neurons on the CPU, prepared once for all runs: currents in, spikes or payloads and their number
out, in one pass (`numba_kernels`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from backends.reference.kernels.values import (
    CHANNELS_FIRST,
    CHANNELS_LAST,
    Emitted,
    OwnNumbers,
    bias_period,
    channels_last_bias,
    channels_last_shape,
    is_channels_last,
    travel_dtype,
)
from backends.trace import Array
from ir.ops.integer_neuron import IntegerLif
from ir.ops.neuron import Gate, Graded
from ir.types import Type, graded

NUMPY: dict[torch.dtype, type[np.float32 | np.float64]] = {torch.float32: np.float32, torch.float64: np.float64}


class NumbaSpikes:
    """
    Lava's own LIF from zero state that remembers no current; spikes are uint8.

    Args:
        compiled: the kernels. shape: of the population. dtype: of the currents, in which the membrane is exact.
    """

    def __init__(
        self, compiled: Any, op: IntegerLif, shape: tuple[int, ...], own: OwnNumbers, dtype: torch.dtype
    ) -> None:
        numbers = own.of_every_one(op, dtype)
        self._compiled, self._dtype, self._channels_last = compiled, dtype, None
        self._natural = tuple(_periodic(shape, each, compiled.BLOCK) for each in numbers)
        if len(shape) == 3:
            last = channels_last_shape(shape)
            self._channels_last = tuple(_periodic(last, channels_last_bias(each), compiled.BLOCK) for each in numbers)
        unit, most = 1 << op.decay_bits, (1 << (op.state_bits - 1)) - 1
        self._constants = tuple(map(NUMPY[dtype], (1 << op.shift, (unit - op.dv) / unit, most)))

    def __call__(self, current: torch.Tensor) -> Emitted:
        """Spikes of currents (T, B, *shape), whole numbers that do not wrap when shifted; they are not written to."""
        current = current.to(self._dtype)
        if self._channels_last is not None and is_channels_last(current):
            spikes, count = self._one_pass(current.permute(CHANNELS_LAST), self._channels_last)
            return spikes.permute(CHANNELS_FIRST), count
        return self._one_pass(current, self._natural)

    def _one_pass(self, current: torch.Tensor, numbers: tuple[Array, ...]) -> Emitted:
        spikes = torch.empty(current.shape, dtype=torch.uint8)
        x = current.contiguous().numpy()
        x, out = x.reshape(len(x), -1), spikes.numpy().reshape(len(x), -1)
        return spikes, self._compiled.lif(x, *numbers, *self._constants, out)


class NumbaStepper:
    """
    Lava's own LIF, one step of one run after another: `integer_lif_spikes` with its state kept.

    Args:
        compiled: the kernels. shape: of the population.
    """

    def __init__(self, compiled: Any, op: IntegerLif, shape: tuple[int, ...], own: OwnNumbers) -> None:
        unit, half = 1 << op.decay_bits, 1 << (op.state_bits - 1)
        keep_u, keep_v = (unit - op.du - 1) / unit, (unit - op.dv) / unit
        self._constants = tuple(map(float, (1 << op.shift, keep_u, keep_v, half)))
        numbers = own.of_every_one(op, torch.float64)
        self._kernel, self._numbers = compiled.lif_step, [each.expand(shape).flatten().numpy() for each in numbers]
        self._state: tuple[Array, Array] | None = None

    def __call__(self, current: torch.Tensor) -> torch.Tensor:
        """Spikes (1, B, *shape), uint8, of currents of that shape, whole numbers."""
        x = current.to(torch.float64).contiguous().numpy().reshape(-1, self._numbers[0].size)
        if self._state is None:
            self._state = np.zeros_like(x), np.zeros_like(x)
        spikes = torch.empty(current.shape, dtype=torch.uint8)
        self._kernel(x, *self._state, *self._numbers, *self._constants, spikes.numpy().reshape(x.shape))
        return spikes


class NumbaPayloads:
    """Payloads, clip((x + bias) >> shift) to the neuron's limits, of the population's type; of a gate, zero where it is shut."""

    def __init__(
        self, compiled: Any, op: Graded | Gate, shape: tuple[int, ...], bias: torch.Tensor | None, dtype: torch.dtype
    ) -> None:
        self._compiled, self._dtype = compiled, dtype
        self._biases = _periodic(shape, torch.zeros(1, dtype=dtype) if bias is None else bias.to(dtype), compiled.BLOCK)
        self._emitted = travel_dtype(Type(shape, graded(op.bits)))
        self._constants = tuple(map(NUMPY[dtype], (2.0**-op.shift, *op.limits)))

    def __call__(self, current: torch.Tensor, gates: torch.Tensor | None) -> Emitted:
        """Payloads of currents (T, B, *shape), exact with the bias in the dtype; gates: 0 or 1, of that shape."""
        current = current.to(self._dtype)
        values = torch.empty(current.shape, dtype=self._emitted)
        x, out = _flat(current), _flat(values)
        if gates is None:
            return values, self._compiled.payloads(x, self._biases, *self._constants, out)
        return values, self._compiled.gated_payloads(x, self._biases, *self._constants, _flat(gates), out)


def _periodic(shape: tuple[int, ...], numbers: torch.Tensor, block: int) -> Array:
    """Numbers (P,) of which neuron n of all samples has the one at n % P; a whole block of them at least."""
    period = bias_period(shape, numbers)
    return np.tile(period.numpy(), max(1, block // period.numel()))


def _flat(values: torch.Tensor) -> Array:
    return values.contiguous().numpy().reshape(-1)
