"""
How a population emits: by a kernel that is prepared once and proven exact for it, or else by its definition.

Everything here is decided per plan; a run only calls the result.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from backends.reference.kernels.emitted import Emitted
from backends.reference.kernels.joint import active_elements
from backends.reference.kernels.neurons import (
    burst_spikes,
    defined_emission,
    is_plain,
    keeps_power_of_two,
    remembers_current,
)
from backends.reference.kernels.product import accumulator
from backends.reference.plan.plan import Plan, Step, Term
from backends.reference.run.currents import Currents
from backends.reference.run.store import Store
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Synapse
from ir.ops.neuron import Burst, Gate, Graded, clip_payload

Emission = Callable[[Currents], Emitted]
"""What a population emits, (T, B, *shape), from what arrives."""


def emission_of(step: Step, store: Store) -> Emission:
    """The fastest exact way for a population."""
    op = step.node.op
    if isinstance(op, IntegerLif) and is_plain(op, dict(step.node.params)):
        return _wrapping_spikes(step, op, store) if remembers_current(op) else _plain_spikes(step, op, store)
    if isinstance(op, (Graded, Gate)) and store.plan.integer:
        return _plain_payloads(step, op, store)
    return partial(_defined, step)


def _plain_spikes(step: Step, op: IntegerLif, store: Store) -> Emission:
    """The prepared kernel needs a current that cannot wrap, by proof or at hand."""
    kind, half = torch.float32 if keeps_power_of_two(op) else torch.float64, 1 << (op.state_bits - 1)
    prepare = partial(store.forms.spikes, op, step.node.type.shape, store.bias(step.node, kind), kind)
    if store.plan.bound(step.terms) << op.shift < half:
        total, scale = _total(step.terms, store)
        spikes = prepare(scale)
        return lambda currents: spikes(total(currents))
    if not store.forms.looks:
        return _wrapping_spikes(step, op, store)
    spikes = prepare(1)
    wrapping = store.forms.wrapping(op, step.node.type.shape, store.bias(step.node, torch.float64), 1)

    def emission(currents: Currents) -> Emitted:
        current = currents.total(step.terms)
        return (spikes if int(current.abs().max()) << op.shift < half else wrapping)(current)

    return emission


def _wrapping_spikes(step: Step, op: IntegerLif, store: Store) -> Emission:
    total, scale = _total(step.terms, store)
    spikes = store.forms.wrapping(op, step.node.type.shape, store.bias(step.node, torch.float64), scale)
    return lambda currents: spikes(total(currents))


def _plain_payloads(step: Step, op: Graded | Gate, store: Store) -> Emission:
    kind = accumulator(store.plan.bound(step.terms) + store.plan.largest_bias(step.node))
    total, scale = _total(step.terms, store)
    payloads = store.forms.payloads(op, step.node.type.shape, store.bias(step.node, kind), kind, scale)
    if not isinstance(op, Gate):
        return lambda currents: payloads(total(currents), None)
    opening = _opening(step, store.plan)
    return lambda currents: payloads(total(currents), opening(currents))


def _total(terms: tuple[Term, ...], store: Store) -> tuple[Callable[[Currents], torch.Tensor], int]:
    """(what arrives in all / scale, scale); a single product goes straight to its weights, as the device makes it."""
    (value, group), *others = ((term.value, term.group) for term in terms)
    product = None if others or value not in group or group[0] in store.plan.loops else store.product(group)
    if product is None or store.plan.graph.nodes[group[0]].inputs[0] in store.plan.joint:
        return lambda currents: currents.total(terms), 1
    unscaled = product.unscaled
    return lambda currents: unscaled(currents.value), product.scale


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
    if isinstance(op, (Graded, Gate, Burst)):
        bias = currents.store.bias(step.node, plan.real)
        total = current if bias is None else current + bias
        if isinstance(op, Burst):
            return _counted(burst_spikes(op, total).to(plan.travels(step.node.type)), currents.store)
        value = clip_payload(total, op.bits, op.shift)
        value = value * _opening(step, plan)(currents) if isinstance(op, Gate) else value
        return _counted(value, currents.store)
    return _counted(defined_emission(step.node, current, currents.store.own(step.node), plan.working), currents.store)


def _counted(value: torch.Tensor, store: Store) -> Emitted:
    return value, active_elements(value, store.forms)
