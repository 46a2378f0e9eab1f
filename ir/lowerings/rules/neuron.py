"""
The model's own neurons: all wires of their operands, and all constants as one bias; and the inputs that feed them.

A neuron that reads spikes directly gets unit synapses, one per element and population.
"""

from __future__ import annotations

from ir.graph import Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.routing import fitted
from ir.lowerings.values import Current, LoweredValue, Spikes, summed_bias


def lower_neuron(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The population under its own name."""
    payload, enables = dendrites(lowering, node, provenance)
    return Spikes((lowering.neuron(node.op, payload, node.name, node.provenance, enables, constants(node)),))


def dendrites(lowering: Lowering, node: Node, provenance: Provenance) -> tuple[Current, tuple[Current, ...]]:
    """What a neuron of the model sums up, its bias included, and the currents that only open it."""
    currents = [lowering.current(value, f"{node.name}_in", provenance) for value in lowering.operands(node)]
    payload = node.op.payload_operands(currents)
    shape = payload[0].shape
    biases = [current.bias for current in payload]
    role = node.param("bias")
    if role is not None:
        array = lowering.graph.params[role]
        biases.append(array.reshape((1,) * (len(shape) - array.ndim) + array.shape))
    wires = tuple(wire for current in payload for wire in fitted(current, shape).wires)
    return Current(shape, wires, summed_bias(biases)), node.op.enabling_operands(currents)


def constants(node: Node) -> dict[str, str]:
    """The parameters of single neurons, by role: all but the bias, which is a current."""
    return {role: name for role, name in node.params if role != "bias"}


def lower_input(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """Spikes from outside, or payloads from the host."""
    return Spikes((lowering.builder.copy(node, ()),))
