"""
The model's own neurons: all wires of their operands, and all constants as one bias.

A neuron that reads spikes directly gets unit synapses, one per element and population.
"""

from __future__ import annotations

from ir.graph import Node, Provenance
from ir.lowerings.forms import Current, Form, Spikes
from ir.lowerings.lowering import Lowering, joint_bias
from ir.lowerings.rules.routing import fitted


def lower_neuron(lowering: Lowering, node: Node, provenance: Provenance) -> Form:
    """The population under its own name."""
    names = [f"{node.name}_in" for _ in node.inputs]
    forms = zip(lowering.operands(node), names, strict=True)
    currents = [lowering.current(form, name, provenance) for form, name in forms]
    payload, enables = node.op.payload_operands(currents), node.op.enabling_operands(currents)
    shape = payload[0].shape
    biases = [current.bias for current in payload]
    role = node.param("bias")
    if role is not None:
        array = lowering.graph.params[role]
        biases.append(array.reshape((1,) * (len(shape) - array.ndim) + array.shape))
    wires = tuple(wire for current in payload for wire in fitted(current, shape).wires)
    total = Current(shape, wires, joint_bias(biases))
    constants = {key: name for key, name in node.params if key != "bias"}
    return Spikes((lowering.neuron(node.op, total, node.name, node.provenance, enables, constants),))


def lower_input(lowering: Lowering, node: Node, provenance: Provenance) -> Form:
    """Spikes from outside, or payloads from the host."""
    return Spikes((lowering.builder.copy(node, ()),))
