"""
Weighted sums of spikes: one projection per population, the bias kept aside for the neuron.

W (x_1 + ... + x_r) + b  =  W x_1 + ... + W x_r + b        r - 1 further copies of the synapses, 0 neurons
"""

from __future__ import annotations

from ir.graph import Node, Where
from ir.lowerings.forms import Current, Form, Wire
from ir.lowerings.lowering import Lowering
from ir.ops import Conv


def lower_projection(lowering: Lowering, node: Node, where: Where) -> Form:
    """Linear, conv, synapse and sum: a wire from every population of the operand."""
    spikes = lowering.spikes(node, lowering.operands(node)[0], f"{node.op.kind} between two neurons")
    weight, bias = node.param("weight"), node.param("bias")
    wires = tuple(Wire(part, node.op, node.name, node.where, weight) for part in spikes.parts)
    if bias is None:
        return Current(node.type.shape, wires)
    array = lowering.graph.params[bias]
    trailing = len(node.type.shape) - 1 if isinstance(node.op, Conv) else 0
    leading = len(node.type.shape) - 1 - trailing
    return Current(node.type.shape, wires, array.reshape((1,) * leading + array.shape + (1,) * trailing))
