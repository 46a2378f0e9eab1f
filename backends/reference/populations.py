"""What a population emits, by the fastest kernel that is proven exact for it."""

from __future__ import annotations

import torch

from backends.reference.currents import Currents
from backends.reference.neurons import (
    burst_spikes,
    defined_emission,
    inverted_spikes,
    is_plain,
    keeps_power_of_two,
    loihi_spikes,
    payload,
)
from backends.reference.plan import Step
from ir.ops.linear import Synapse
from ir.ops.loihi import LoihiLif
from ir.ops.neuron import Burst, Gate, Graded, clip_payload


def emission(step: Step, currents: Currents) -> torch.Tensor:
    """The population's spikes (0 and 1 in float32) or payloads, (T, B, *shape)."""
    op = step.node.op
    if isinstance(op, LoihiLif) and is_plain(op, dict(step.node.params)):
        return _chip_spikes(step, op, currents)
    if isinstance(op, (Graded, Gate)):
        value = _payload(step, op, currents)
        return value * _opening(step, currents) if isinstance(op, Gate) else value
    if isinstance(op, Burst):
        return burst_spikes(op, _biased(step, currents))
    own = currents.plan.own(step.node, currents.device)
    return defined_emission(step.node, currents.total(step.terms), own, currents.plan.working)


def _chip_spikes(step: Step, op: LoihiLif, currents: Currents) -> torch.Tensor:
    """Spikes of the integer neuron; the fast kernel needs a current that cannot wrap, by proof or at hand."""
    half, gain = 1 << (op.state_bits - 1), -float(1 << op.shift)
    bound = currents.bound(step.terms)
    if keeps_power_of_two(op) and bound << op.shift < half:
        drive = currents.driven(step, gain, -1.0)
        reach = currents.steps * ((bound << op.shift) + currents.largest_bias(step.node))
        return inverted_spikes(op, drive, saturates=reach >= half)
    current = currents.total(step.terms)
    if keeps_power_of_two(op) and int(current.abs().max()) << op.shift < half:
        drive = currents.scaled(step.node, current, gain, -1.0).to(torch.float32)
        return inverted_spikes(op, drive, saturates=True)
    return loihi_spikes(op, current, currents.bias(step.node, torch.float64))


def _payload(step: Step, op: Graded | Gate, currents: Currents) -> torch.Tensor:
    """A payload, shut gates not yet silenced; the shift is a power of two that goes into the product."""
    if not currents.plan.integer:
        return clip_payload(_biased(step, currents), op.bits, op.shift)
    gain = 2.0**-op.shift
    shifted = currents.driven(step, gain, gain)
    return payload(shifted.floor_() if op.shift else shifted, op.bits, 0)


def _opening(step: Step, currents: Currents) -> torch.Tensor:
    """1 where a gate is open, else 0; the current of one unit synapse from a spike says just that."""
    enable = currents.total(step.enables)
    node = currents.graph.nodes[step.enables[0].group[0]]
    alone = len(step.enables) == 1 and isinstance(node.op, Synapse) and node.op.weight == 1
    if alone and currents.graph.nodes[node.inputs[0]].type.domain.kind == "spike":
        return enable
    return (enable >= 1).to(torch.float32)


def _biased(step: Step, currents: Currents) -> torch.Tensor:
    """The summed current and the bias, in the source's arithmetic."""
    total, bias = currents.total(step.terms), currents.bias(step.node, currents.plan.real)
    return total if bias is None else total + bias
