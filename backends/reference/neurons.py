"""The neurons on whole arrays (T, B, *shape): currents in, spikes (uint8) or payloads (float) out; integers stay exact."""

from __future__ import annotations

import torch

from ir.ops.loihi import LoihiLif
from ir.ops.neuron import Burst, Lif

FLOAT32_PAYLOAD_BITS = 25
"""Payloads of up to this many bits, sign included, are exact in float32."""


def loihi_spikes(op: LoihiLif, current: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """
    Spikes of the chip's integer neuron, as `ir.ops.loihi` defines it.

    Every decay is a product with an integer below 2^12 and a truncation: exact in float64, and in float32 where the kept part
    is a power of two. A current beyond float32's integers only occurs where the membrane saturates.

    Args:
        current: weighted sums, whole numbers in float32 or float64; not written to.
        bias: in units of v, broadcastable to one sample, or None.
    """
    unit, half = 1 << op.decay_bits, float(1 << (op.state_bits - 1))
    keep_u, keep_v = unit - op.du - 1, unit - op.dv
    exact = keep_u == 0 and keep_v & (keep_v - 1) == 0
    x = current * float(1 << op.shift) if exact else current.double() * float(1 << op.shift)
    threshold, fired = float(op.vth << op.shift), torch.empty(x.shape, dtype=torch.bool, device=x.device)
    u, v = None, None
    for t in range(len(x)):
        u = x[t] if u is None or not keep_u else u.mul_(keep_u).div_(unit).trunc_().add_(x[t])
        u = torch.where(u > half, u - 2 * half, u)
        u = torch.where(u <= -half, u + 2 * half, u)
        total = u if bias is None else u + bias
        v = total.clone() if v is None else v.mul_(keep_v).div_(unit).trunc_().add_(total)
        v.clamp_(1 - half, half - 1)
        torch.gt(v, threshold, out=fired[t])
        v.masked_fill_(fired[t], 0.0)
    return fired.view(torch.uint8)


def source_spikes(op: Lif, current: torch.Tensor) -> torch.Tensor:
    """Spikes of the source's own neuron, in float32 exactly as `ir.ops.neuron` computes; `current` includes the bias."""
    return op.run((current,), {}, len(current)).to(torch.uint8)


def payload(current: torch.Tensor, bits: int, shift: int) -> torch.Tensor:
    """clip(x >> shift) to signed `bits` bits, as floats: x / 2^shift toward minus infinity."""
    top = float(1 << (bits - 1))
    scaled = torch.floor(current / float(1 << shift)) if shift else current
    return scaled.clamp(-top, top - 1).to(torch.float32 if bits <= FLOAT32_PAYLOAD_BITS else torch.float64)


def burst_spikes(op: Burst, current: torch.Tensor) -> torch.Tensor:
    """y[m] = [n > m] along a new axis of micro-steps before the population's own."""
    micro = torch.arange(op.micro, device=current.device, dtype=current.dtype)
    shape = (-1,) + (1,) * (current.ndim - 2)
    return (current.unsqueeze(2) > micro.reshape(shape)).view(torch.uint8)
