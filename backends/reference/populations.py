"""
How a population emits: by a kernel that is prepared once and proven exact for it, or else by its definition.

Everything here is decided per plan; a run only calls the result.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from backends.reference.currents import Currents
from backends.reference.joint import active_elements
from backends.reference.neurons import (
    burst_spikes,
    defined_emission,
    is_plain,
    keeps_power_of_two,
    loihi_spikes,
    remembers_current,
)
from backends.reference.plain import Emitted, PlainPayloads, PlainSpikes
from backends.reference.plan import Plan, Step, Term
from backends.reference.product import accumulator
from backends.reference.store import Store
from ir.ops.linear import Synapse
from ir.ops.loihi import LoihiLif
from ir.ops.neuron import Burst, Gate, Graded, clip_payload

Emission = Callable[[Currents], Emitted]
"""What a population emits, (T, B, *shape), from what arrives."""


def emission_of(step: Step, store: Store) -> Emission:
    """The fastest exact way for a population."""
    op = step.node.op
    if isinstance(op, LoihiLif) and is_plain(op, dict(step.node.params)) and not remembers_current(op):
        return _plain_spikes(step, op, store)
    if isinstance(op, (Graded, Gate)) and store.plan.integer:
        return _plain_payloads(step, op, store)
    return partial(_defined, step)


def _plain_spikes(step: Step, op: LoihiLif, store: Store) -> Emission:
    """The prepared kernel needs a current that cannot wrap, by proof or at hand."""
    kind = torch.float32 if keeps_power_of_two(op) else torch.float64
    spikes = PlainSpikes(op, step.node.type.shape, store.bias(step.node, kind), kind)
    half = 1 << (op.state_bits - 1)
    if store.plan.bound(step.terms) << op.shift < half:
        total = _total(step.terms, store)
        return lambda currents: spikes(total(currents))

    def emission(currents: Currents) -> Emitted:
        current = currents.total(step.terms)
        if int(current.abs().max()) << op.shift < half:
            return spikes(current)
        return _counted(loihi_spikes(op, current, store.bias(step.node, torch.float64)))

    return emission


def _plain_payloads(step: Step, op: Graded | Gate, store: Store) -> Emission:
    kind = accumulator(store.plan.bound(step.terms) + store.plan.largest_bias(step.node))
    payloads = PlainPayloads(op, step.node.type.shape, store.bias(step.node, kind), kind)
    total = _total(step.terms, store)
    if not isinstance(op, Gate):
        return lambda currents: payloads(total(currents), None)
    opening = _opening(step, store.plan)
    return lambda currents: payloads(total(currents), opening(currents))


def _total(terms: tuple[Term, ...], store: Store) -> Callable[[Currents], torch.Tensor]:
    """What arrives in all; a single product goes straight to its weights."""
    (value, group), *others = ((term.value, term.group) for term in terms)
    product = None if others or value not in group or group[0] in store.plan.loops else store.product(group)
    if product is None or store.plan.graph.nodes[group[0]].inputs[0] in store.plan.joint:
        return lambda currents: currents.total(terms)
    return lambda currents: product.current(currents.value)


def _opening(step: Step, plan: Plan) -> Callable[[Currents], torch.Tensor]:
    """1 where a gate is open, else 0; a unit synapse from a spike says just that."""
    node = plan.graph.nodes[step.enables[0].group[0]]
    alone = len(step.enables) == 1 and step.enables[0].value == node.name
    if alone and isinstance(node.op, Synapse) and node.op.weight == 1:
        source = plan.graph.nodes[node.inputs[0]]
        if source.type.domain.kind == "spike":
            return lambda currents: currents.value(source.name)
    kind = torch.uint8 if plan.integer else plan.real
    return lambda currents: (currents.total(step.enables) >= 1).to(kind)


def _defined(step: Step, currents: Currents) -> Emitted:
    """Neurons of the source's arithmetic, and integer ones that no kernel is for."""
    op, plan = step.node.op, currents.plan
    current = currents.total(step.terms)
    if isinstance(op, LoihiLif) and is_plain(op, dict(step.node.params)):
        return _counted(loihi_spikes(op, current, currents.store.bias(step.node, torch.float64)))
    if isinstance(op, (Graded, Gate, Burst)):
        bias = currents.store.bias(step.node, plan.real)
        total = current if bias is None else current + bias
        if isinstance(op, Burst):
            return _counted(burst_spikes(op, total).to(plan.travels(step.node.type)))
        value = clip_payload(total, op.bits, op.shift)
        return _counted(value * _opening(step, plan)(currents) if isinstance(op, Gate) else value)
    return _counted(defined_emission(step.node, current, currents.store.own(step.node), plan.working))


def _counted(value: torch.Tensor) -> Emitted:
    return value, active_elements(value)
