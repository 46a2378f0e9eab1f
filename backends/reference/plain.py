"""
Populations of the chip's plain neurons, prepared once for all runs: currents in, spikes or payloads and their number out.

On a CPU they run in one pass (`kernels`); elsewhere, and where numba is missing, as torch operations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from backends.reference.compiled import BLOCK, compiled
from backends.reference.joint import active_elements
from backends.reference.number_types import travels
from backends.trace import Array
from ir.ops.loihi import LoihiLif
from ir.ops.neuron import Gate, Graded
from ir.types import Type, graded

Emitted = tuple[torch.Tensor, "torch.Tensor | int"]
"""What a population emits, and how many of its elements are not zero."""
NUMPY: dict[torch.dtype, Any] = {torch.float32: np.float32, torch.float64: np.float64}

CHANNELS_LAST, CHANNELS_FIRST = (0, 1, 3, 4, 2), (0, 1, 4, 2, 3)
"""Axes of images (T, B, channels, height, width) in the order in which products of bytes leave them, and back."""


def is_channels_last(values: torch.Tensor) -> bool:
    """Whether images lie in memory with their channels last."""
    return (
        values.ndim == len(CHANNELS_LAST)
        and not values.is_contiguous()
        and values.permute(CHANNELS_LAST).is_contiguous()
    )


class PlainSpikes:
    """
    Lava's own LIF from zero state, with one set of constants, that remembers no current; spikes are uint8.

    Args:
        shape: of the population. bias: in units of v, broadcastable to it; None for none.
        kind: number type of the currents, in which the membrane is exact.
    """

    def __init__(self, op: LoihiLif, shape: tuple[int, ...], bias: torch.Tensor | None, kind: torch.dtype) -> None:
        self._op, self._bias, self._kind = op, None if bias is None else bias.to(kind), kind
        self._natural = _periodic(shape, self._bias, kind)
        self._channels_last = (
            _periodic((*shape[1:], shape[0]), _channels_last(self._bias), kind) if len(shape) == 3 else None
        )
        unit, most = 1 << op.decay_bits, (1 << (op.state_bits - 1)) - 1
        numbers = (1 << op.shift, (unit - op.dv) / unit, op.vth << op.shift, most)
        self._constants = tuple(map(NUMPY[kind], numbers))
        self._kernels = compiled()

    def __call__(self, current: torch.Tensor) -> Emitted:
        """Spikes of currents (T, B, *shape), whole numbers that do not wrap when shifted; they are not written to."""
        current = current.to(self._kind)
        if self._kernels is None or current.is_cuda:
            return self._by_torch(current)
        if self._channels_last is not None and is_channels_last(current):
            spikes, count = self._one_pass(current.permute(CHANNELS_LAST), self._channels_last)
            return spikes.permute(CHANNELS_FIRST), count
        return self._one_pass(current, self._natural)

    def _one_pass(self, current: torch.Tensor, shifts: Array) -> Emitted:
        spikes = torch.empty(current.shape, dtype=torch.uint8)
        steps = len(current)
        x, out = current.contiguous().numpy().reshape(steps, -1), spikes.numpy().reshape(steps, -1)
        return spikes, self._kernels.lif(x, shifts, *self._constants, out)

    def _by_torch(self, current: torch.Tensor) -> Emitted:
        drive = current * -float(1 << self._op.shift)
        drive = drive if self._bias is None else drive.sub_(self._bias.to(drive.device))
        spikes = inverted_spikes(self._op, drive).to(torch.uint8)
        return spikes, active_elements(spikes)


class PlainPayloads:
    """Payloads, clip((x + bias) >> shift) to signed `bits` bits, of the population's type; of a gate, zero where it is shut."""

    def __init__(self, op: Graded | Gate, shape: tuple[int, ...], bias: torch.Tensor | None, kind: torch.dtype) -> None:
        self._bias, self._kind = None if bias is None else bias.to(kind), kind
        self._shifts = _periodic(shape, self._bias, kind)
        self._type = travels(Type(shape, graded(op.bits)))
        half = 1 << (op.bits - 1)
        self._numbers = (2.0**-op.shift, -half, half - 1)
        self._constants = tuple(map(NUMPY[kind], self._numbers))
        self._kernels = compiled()

    def __call__(self, current: torch.Tensor, gates: torch.Tensor | None) -> Emitted:
        """Payloads of currents (T, B, *shape), exact with the bias in the number type; gates: 0 or 1, of that shape."""
        current = current.to(self._kind)
        if self._kernels is None or current.is_cuda:
            return self._by_torch(current, gates)
        values = torch.empty(current.shape, dtype=self._type)
        x, out = _flat(current), _flat(values)
        if gates is None:
            return values, self._kernels.payloads(x, self._shifts, *self._constants, out)
        return values, self._kernels.gated_payloads(x, self._shifts, *self._constants, _flat(gates), out)

    def _by_torch(self, current: torch.Tensor, gates: torch.Tensor | None) -> Emitted:
        gain, low, high = self._numbers
        total = current if self._bias is None else current + self._bias.to(current.device)
        value = (total * gain).floor_().clamp_(low, high)
        value = (value if gates is None else value * gates).to(self._type)
        return value, active_elements(value)


def _periodic(shape: tuple[int, ...], bias: torch.Tensor | None, kind: torch.dtype) -> Array:
    """Biases (P,) of which neuron n of all samples has the one at n % P; a whole block of them at least."""
    if bias is None:
        return np.zeros(BLOCK, NUMPY[kind])
    same = bias.ndim == 0 or bias.numel() == bias.shape[-1] == (shape[-1] if shape else 1)
    whole = bias.reshape(-1) if same else bias.expand(shape).reshape(-1)
    return np.tile(whole.cpu().numpy(), max(1, BLOCK // whole.numel()))


def _channels_last(bias: torch.Tensor | None) -> torch.Tensor | None:
    """A bias that broadcasts to (channels, height, width), for (height, width, channels)."""
    return None if bias is None else bias.reshape((1,) * (3 - bias.ndim) + tuple(bias.shape)).permute(1, 2, 0)


def _flat(values: torch.Tensor) -> Array:
    return values.contiguous().numpy().reshape(-1)


def inverted_spikes(op: LoihiLif, drive: torch.Tensor) -> torch.Tensor:
    """
    Spikes of a plain neuron that remembers no current, in a few passes over the membrane and in place.

    The membrane is kept with its sign turned, because then one thresholding pass is the reset: it keeps -v > -(vth + 1), which
    for whole numbers is v <= vth, and zeroes the rest. Truncation and saturation are symmetric.

    Args:
        drive: -((a << shift) + bias), whole numbers that cannot wrap; overwritten by the spikes.
    """
    unit, most = 1 << op.decay_bits, float((1 << (op.state_bits - 1)) - 1)
    kept, threshold = (unit - op.dv) / unit, float(op.vth << op.shift)
    membrane = None
    for t in range(len(drive)):
        v = drive[t] if membrane is None else drive[t].add_(membrane)
        v.clamp_(-most, most)
        if t + 1 < len(drive):
            membrane = functional.threshold(v, -(threshold + 1), 0.0).mul_(kept).trunc_()
        v.lt_(-threshold)
    return drive
