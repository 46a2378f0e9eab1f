"""
The neurons on whole arrays (T, B, *shape) for which there is no prepared kernel; integers stay exact in every number type used.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch

from backends.reference.kernels.number_types import travels
from ir.graph import Node
from ir.ops.integer_neuron import IntegerLif
from ir.ops.neuron import Burst


def is_plain(op: IntegerLif, params: Collection[str]) -> bool:
    """Whether the neuron is Lava's own LIF from zero state, with one set of constants: what the kernels here compute."""
    return op.is_basic and not (op.u0 or op.v0) and set(params) <= {"bias"}


def remembers_current(op: IntegerLif) -> bool:
    """Whether a current outlasts its step."""
    return op.du != (1 << op.decay_bits) - 1


def keeps_power_of_two(op: IntegerLif) -> bool:
    """Whether float32 holds the membrane exactly: a decay that only shifts it."""
    kept = (1 << op.decay_bits) - op.dv
    return kept & (kept - 1) == 0


def integer_lif_spikes(op: IntegerLif, current: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """
    Spikes of the chip's integer neuron, any of them (`ir.ops.integer_neuron`); float64 holds every intermediate exactly.

    Args:
        current: weighted sums, whole numbers; not written to.
        bias: in units of v, broadcastable to one sample, or None.
    """
    unit, half = 1 << op.decay_bits, float(1 << (op.state_bits - 1))
    keep_u, keep_v = unit - op.du - 1, unit - op.dv
    x = current.double() * float(1 << op.shift)
    spikes = torch.empty(current.shape, dtype=torch.uint8, device=current.device)
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
    return value.to(travels(node.type)) if kind == torch.int64 else value


def burst_spikes(op: Burst, current: torch.Tensor) -> torch.Tensor:
    """y[m] = [n > m] along a new axis of micro-steps before the population's own."""
    micro = torch.arange(op.micro, device=current.device, dtype=current.dtype)
    shape = (-1,) + (1,) * (current.ndim - 2)
    return (current.unsqueeze(2) > micro.reshape(shape)).to(torch.float32)
