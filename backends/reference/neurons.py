"""
The neurons on whole arrays (T, B, *shape): currents in, spikes or payloads out, all as floats; integers stay exact.

Spikes travel between populations as 0 and 1 in float32, the type that products read; a trace stores them as uint8.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch.nn import functional

from ir.graph import Node
from ir.ops.loihi import LoihiLif
from ir.ops.neuron import Burst
from ir.types import Type

FLOAT32_PAYLOAD_BITS = 25
"""Payloads of up to this many bits, sign included, are exact in float32."""


def is_plain(op: LoihiLif, params: Collection[str]) -> bool:
    """Whether the neuron is Lava's own LIF from zero state, with one set of constants: what the kernels here compute."""
    return op.is_basic and not (op.u0 or op.v0) and set(params) <= {"bias"}


def keeps_power_of_two(op: LoihiLif) -> bool:
    """Whether float32 holds the neuron exactly: no memory of the current, and a decay that only shifts the membrane."""
    unit = 1 << op.decay_bits
    kept = unit - op.dv
    return op.du == unit - 1 and kept & (kept - 1) == 0


def inverted_spikes(op: LoihiLif, drive: torch.Tensor, saturates: bool) -> torch.Tensor:
    """
    Spikes of a neuron that `keeps_power_of_two`, in five passes over the membrane and in place.

    The membrane is kept with its sign turned, because then one thresholding pass is the reset: it keeps -v > -(vth + 1), which
    for whole numbers is v <= vth, and zeroes the rest. Truncation and saturation are symmetric.

    Args:
        drive: -((a << shift) + bias), whole float32 numbers that cannot wrap; overwritten by the spikes.
        saturates: whether the membrane could leave its range.
    """
    unit, most = 1 << op.decay_bits, float((1 << (op.state_bits - 1)) - 1)
    kept, threshold = (unit - op.dv) / unit, float(op.vth << op.shift)
    membrane = None
    for t in range(len(drive)):
        v = drive[t] if membrane is None else drive[t].add_(membrane)
        if saturates:
            v.clamp_(-most, most)
        if t + 1 < len(drive):
            membrane = functional.threshold(v, -(threshold + 1), 0.0).mul_(kept).trunc_()
        v.lt_(-threshold)
    return drive


def loihi_spikes(op: LoihiLif, current: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """
    Spikes of the chip's integer neuron, any of them, as `ir.ops.loihi` defines it: float64 holds every intermediate exactly.

    Args:
        current: weighted sums, whole numbers; not written to.
        bias: in units of v, broadcastable to one sample, or None.
    """
    unit, half = 1 << op.decay_bits, float(1 << (op.state_bits - 1))
    keep_u, keep_v = unit - op.du - 1, unit - op.dv
    x, spikes = current.double() * float(1 << op.shift), torch.empty(current.shape, device=current.device)
    u, v = torch.zeros_like(x[0]), torch.zeros_like(x[0])
    for t in range(len(x)):
        u = u.mul_(keep_u).div_(unit).trunc_().add_(x[t])
        u = torch.where(u > half, u - 2 * half, u)
        u = torch.where(u <= -half, u + 2 * half, u)
        v = v.mul_(keep_v).div_(unit).trunc_().add_(u if bias is None else u + bias)
        v.clamp_(1 - half, half - 1)
        fired = v > float(op.vth << op.shift)
        spikes[t] = fired
        v.masked_fill_(fired, 0.0)
    return spikes


def defined_emission(
    node: Node, current: torch.Tensor, params: Mapping[str, torch.Tensor], kind: torch.dtype
) -> torch.Tensor:
    """What a neuron emits by its own definition in `ir.ops`, on numbers of the type `kind`, bias and all."""
    value, _ = node.op.resume((current.to(kind),), params, len(current), None)
    return as_emission(node.type, value) if kind == torch.int64 else value


def as_emission(kind: Type, value: torch.Tensor) -> torch.Tensor:
    """Integer spikes or payloads in the floating type in which they travel."""
    wide = kind.domain.kind == "graded" and kind.domain.bound > FLOAT32_PAYLOAD_BITS
    return value.to(torch.float64 if wide else torch.float32)


def payload(current: torch.Tensor, bits: int, shift: int) -> torch.Tensor:
    """clip(x >> shift) to signed `bits` bits, as floats: x / 2^shift toward minus infinity."""
    top = float(1 << (bits - 1))
    scaled = (current * 2.0**-shift).floor_() if shift else current
    return scaled.clamp(-top, top - 1).to(torch.float32 if bits <= FLOAT32_PAYLOAD_BITS else torch.float64)


def burst_spikes(op: Burst, current: torch.Tensor) -> torch.Tensor:
    """y[m] = [n > m] along a new axis of micro-steps before the population's own."""
    micro = torch.arange(op.micro, device=current.device, dtype=current.dtype)
    shape = (-1,) + (1,) * (current.ndim - 2)
    return (current.unsqueeze(2) > micro.reshape(shape)).to(torch.float32)
