"""
Values of earlier steps. A delayed population keeps its neurons: the synapses that read it carry the delay.

A back edge reads a population's earlier spikes. A weighted sum with a constant cannot be one, for its bias must not act
before it arrives: it is taken by graded neurons first, and what they emit is delayed.
"""

from __future__ import annotations

from ir.graph import Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.routing import routed
from ir.lowerings.values import Complement, Current, LoweredValue, Spikes
from ir.ops import Past
from ir.ops.membrane import ANALOG_BITS
from ir.types import Type, graded


def lower_delay(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The delay on every population, or on the projections of a current without a constant."""
    value = lowering.positive(lowering.operands(node)[0])  # before the window, the delayed 1 - x is silent as x is
    assert isinstance(value, (Current, Spikes)), "a product is read by a matrix product only"
    if isinstance(value, Current):
        return routed(value, node.op, value.shape)
    return _delayed(lowering, node, value)


def lower_delay_by_relay(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The current as the payload of graded neurons, whose synapses carry the delay."""
    (value,) = lowering.operands(node)
    assert isinstance(value, Current)
    return _delayed(lowering, node, lowering.relay(value, f"{node.name}_relay", provenance))


def _delayed(lowering: Lowering, node: Node, value: Spikes) -> Spikes:
    parts = [
        lowering.builder.add(node.op, part, name=node.name, params=dict(node.params), provenance=node.provenance)
        for part in value.parts
    ]
    return Spikes(tuple(parts))


def is_plain_delay(lowering: Lowering, node: Node) -> bool:
    """Whether a delay needs no neurons: of populations, or the same for all of a current without a constant."""
    (value,) = lowering.operands(node)
    plain = isinstance(value, Current) and value.bias is None and not node.params
    return plain or isinstance(value, (Spikes, Complement))


def is_plain_loop(lowering: Lowering, node: Node) -> bool:
    """Whether a back edge starts at a population or an input."""
    assert isinstance(node.op, Past)
    return lowering.graph.nodes[node.op.of].op.family in ("neuron", "input")


def lower_past(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The back edge of a population."""
    return Spikes((lowering.builder.copy(node, ()),))


def lower_past_by_relay(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The back edge of the graded neurons that will take the current (`close_loop` builds them)."""
    op = node.op
    assert isinstance(op, Past)
    lowering.relayed.add(op.of)
    kind = Type(node.type.shape, graded(ANALOG_BITS))
    past = Past(_relay_name(lowering, op.of), str(kind), op.steps)
    return Spikes((lowering.builder.add(past, name=node.name, provenance=provenance),))


def close_loop(lowering: Lowering, node: Node, provenance: Provenance) -> None:
    """Build the graded neurons that a back edge of this value reads, if there is one."""
    if node.name in lowering.relayed:
        current = lowering.current(lowering.values[node.name], f"{node.name}_in", provenance)
        name = _relay_name(lowering, node.name)
        population = lowering.relay(current, name, provenance)
        assert population.parts == (name,), "the back edge is built before, and names it"


def _relay_name(lowering: Lowering, value: str) -> str:
    """The name of the graded neurons that take a current, one that no node of the model has."""
    name = f"{value}_looped"
    while name in lowering.graph.nodes:
        name = f"{name}_looped"
    return name
