"""
The chip's neurons as torch operations, on any device; integers stay exact in every dtype used.

Plain neurons and payloads are prepared once for all runs; what there is no kernel for runs its definition in `ir.ops`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch.nn import functional

from backends.reference.kernels.values import Count, Emitted, OwnNumbers, travel_dtype
from ir.graph import Node
from ir.ops.integer_neuron import IntegerLif
from ir.ops.neuron import Burst, Gate, Graded
from ir.types import Type, graded


class TorchSpikes:
    """
    Lava's own LIF from zero state that remembers no current; spikes are uint8.

    Args:
        dtype: in which the membrane is exact. scale: of the currents, a power of two.
    """

    def __init__(self, op: IntegerLif, own: OwnNumbers, dtype: torch.dtype, scale: int = 1) -> None:
        self._op, self._own, self._dtype = op, own.to(dtype), dtype
        self._gain = -float(scale << op.shift)

    def __call__(self, current: torch.Tensor) -> Emitted:
        """Spikes of currents (T, B, *shape) / scale, whole numbers that do not wrap when shifted; they are not written to."""
        drive = current.to(self._dtype) * self._gain
        drive = drive if self._own.bias is None else drive.sub_(self._own.bias)
        spikes = inverted_spikes(self._op, drive, self._own.level).to(torch.uint8)
        return spikes, torch.count_nonzero(spikes)


class TorchWrappingSpikes:
    """
    Lava's own LIF from zero state whose currents may wrap and may be remembered; spikes are uint8.

    Args:
        own: in float64. scale: of the currents, a power of two. nonzero: how the device counts.
    """

    def __init__(self, op: IntegerLif, own: OwnNumbers, scale: int, nonzero: Callable[[torch.Tensor], Count]) -> None:
        self._op, self._own, self._scale, self._nonzero = op, own, scale, nonzero

    def __call__(self, current: torch.Tensor) -> Emitted:
        """Spikes of currents (T, B, *shape) / scale, whole numbers; they are not written to."""
        current = current if self._scale == 1 else current * self._scale
        spikes = integer_lif_spikes(self._op, current, self._own)
        return spikes, self._nonzero(spikes)


class TorchPayloads:
    """Payloads, clip((x + bias) >> shift) to the neuron's limits, of the population's type; of a gate, zero where it is shut."""

    def __init__(self, op: Graded | Gate, bias: torch.Tensor | None, dtype: torch.dtype, scale: int = 1) -> None:
        self._bias, self._dtype, self._scale = None if bias is None else bias.to(dtype), dtype, float(scale)
        self._emitted = travel_dtype(Type((), graded(op.bits)))
        self._numbers = (2.0**-op.shift, *op.limits)

    def __call__(self, current: torch.Tensor, gates: torch.Tensor | None) -> Emitted:
        """Payloads of currents (T, B, *shape) / scale, exact with the bias in the dtype; gates: 0 or 1, of that shape."""
        gain, low, high = self._numbers
        total = current.to(self._dtype)
        total = total if self._scale == 1 else total * self._scale
        total = total if self._bias is None else total + self._bias
        value = (total * gain).floor_().clamp_(low, high)
        value = (value if gates is None else value * gates).to(self._emitted)
        return value, torch.count_nonzero(value)


def inverted_spikes(op: IntegerLif, drive: torch.Tensor, level: torch.Tensor | None = None) -> torch.Tensor:
    """
    Spikes of a plain neuron that remembers no current, in a few passes over the membrane and in place.

    The membrane is kept with its sign turned, because then one thresholding pass is the reset: it keeps -v > -(level + 1), which
    for whole numbers is v <= level, and zeroes the rest. Truncation and saturation are symmetric.

    Args:
        drive: -((a << shift) + bias), whole numbers that cannot wrap; overwritten by the spikes.
        level: what v must exceed, broadcastable to one sample; None for one of all neurons.
    """
    unit, most = 1 << op.decay_bits, float((1 << (op.state_bits - 1)) - 1)
    keep, threshold = (unit - op.dv) / unit, float(op.level({})) if level is None else level
    membrane = None
    for t in range(len(drive)):
        v = drive[t] if membrane is None else drive[t].add_(membrane)
        v.clamp_(-most, most)
        if t + 1 < len(drive):
            membrane = _where_quiet(v, threshold).mul_(keep).trunc_()
        v.lt_(-threshold)
    return drive


def _where_quiet(v: torch.Tensor, threshold: float | torch.Tensor) -> torch.Tensor:
    """-v where v does not exceed the threshold, else 0."""
    if isinstance(threshold, float):
        return functional.threshold(v, -(threshold + 1), 0.0)
    return v.masked_fill(v < -threshold, 0.0)


def integer_lif_spikes(op: IntegerLif, current: torch.Tensor, own: OwnNumbers) -> torch.Tensor:
    """
    Spikes of the chip's plain neuron, any of them (`ir.ops.integer_neuron`); float64 holds every intermediate exactly.

    Args:
        current: weighted sums, whole numbers; not written to.
    """
    unit, half = 1 << op.decay_bits, float(1 << (op.state_bits - 1))
    keep_u, keep_v = unit - op.du - 1, unit - op.dv
    x = current.double() * float(1 << op.shift)
    spikes = torch.empty(current.shape, dtype=torch.uint8, device=current.device)
    u, v = torch.zeros_like(x[0]), torch.zeros_like(x[0])
    level = float(op.level({})) if own.level is None else own.level
    for t in range(len(x)):
        u = u.mul_(keep_u).div_(unit).trunc_().add_(x[t])
        u = torch.where(u > half, u - 2 * half, u)
        u = torch.where(u <= -half, u + 2 * half, u)
        v = v.mul_(keep_v).div_(unit).trunc_().add_(u if own.bias is None else u + own.bias)
        v.clamp_(1 - half, half - 1)
        fired = v > level
        spikes[t] = fired
        v.masked_fill_(fired, 0.0)
    return spikes


def keeps_power_of_two(op: IntegerLif) -> bool:
    """Whether float32 holds the membrane exactly: a decay that only shifts it."""
    keep = (1 << op.decay_bits) - op.dv
    return keep & (keep - 1) == 0


def defined_emission(
    node: Node, current: torch.Tensor, params: Mapping[str, torch.Tensor], dtype: torch.dtype
) -> torch.Tensor:
    """What a neuron emits by its own definition in `ir.ops`, on numbers of `dtype`, bias and all."""
    value, _ = node.op.resume((current.to(dtype),), params, len(current), None)
    return value.to(travel_dtype(node.type)) if dtype == torch.int64 else value


def burst_spikes(op: Burst, current: torch.Tensor) -> torch.Tensor:
    """y[m] = [n > m] along a new axis of micro-steps before the population's own."""
    micro = torch.arange(op.micro, device=current.device, dtype=current.dtype)
    shape = (-1,) + (1,) * (current.ndim - 2)
    return (current.unsqueeze(2) > micro.reshape(shape)).to(torch.float32)
