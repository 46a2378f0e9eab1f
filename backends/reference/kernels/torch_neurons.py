"""The chip's plain neurons as torch operations, on any device; prepared once for all runs."""

from __future__ import annotations

import torch
from torch.nn import functional

from backends.reference.kernels.emitted import Emitted
from backends.reference.kernels.number_types import travels
from ir.ops.integer_neuron import IntegerLif
from ir.ops.neuron import Gate, Graded
from ir.types import Type, graded


class TorchSpikes:
    """
    Lava's own LIF from zero state, with one set of constants, that remembers no current; spikes are uint8.

    Args:
        bias: in units of v, broadcastable to the population, on its device; None for none.
        kind: number type in which the membrane is exact. scale: of the currents, a power of two.
    """

    def __init__(self, op: IntegerLif, bias: torch.Tensor | None, kind: torch.dtype, scale: int = 1) -> None:
        self._op, self._bias, self._kind = op, None if bias is None else bias.to(kind), kind
        self._gain = -float(scale << op.shift)

    def __call__(self, current: torch.Tensor) -> Emitted:
        """Spikes of currents (T, B, *shape) / scale, whole numbers that do not wrap when shifted; they are not written to."""
        drive = current.to(self._kind) * self._gain
        drive = drive if self._bias is None else drive.sub_(self._bias)
        spikes = inverted_spikes(self._op, drive).to(torch.uint8)
        return spikes, torch.count_nonzero(spikes)


class TorchPayloads:
    """Payloads, clip((x + bias) >> shift) to signed `bits` bits, of the population's type; of a gate, zero where it is shut."""

    def __init__(self, op: Graded | Gate, bias: torch.Tensor | None, kind: torch.dtype, scale: int = 1) -> None:
        self._bias, self._kind, self._scale = None if bias is None else bias.to(kind), kind, float(scale)
        self._type = travels(Type((), graded(op.bits)))
        half = 1 << (op.bits - 1)
        self._numbers = (2.0**-op.shift, -half, half - 1)

    def __call__(self, current: torch.Tensor, gates: torch.Tensor | None) -> Emitted:
        """Payloads of currents (T, B, *shape) / scale, exact with the bias in the number type; gates: 0 or 1, of that shape."""
        gain, low, high = self._numbers
        total = current.to(self._kind)
        total = total if self._scale == 1 else total * self._scale
        total = total if self._bias is None else total + self._bias
        value = (total * gain).floor_().clamp_(low, high)
        value = (value if gates is None else value * gates).to(self._type)
        return value, torch.count_nonzero(value)


def inverted_spikes(op: IntegerLif, drive: torch.Tensor) -> torch.Tensor:
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
