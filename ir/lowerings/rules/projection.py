"""
Weighted sums of spikes: one projection per population, the bias kept aside for the neuron.

W (x_1 + ... + x_r) + b  =  W x_1 + ... + W x_r + b        r - 1 further copies of the synapses, 0 neurons
"""

from __future__ import annotations

import numpy as np

from ir.graph import Array, Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.compose import composed, through
from ir.lowerings.values import Complement, Current, LoweredValue, Spikes, Wire, summed_bias
from ir.ops import Conv, Expand, Gather, Linear, Permute, Reshape


def lower_projection(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """Linear, conv, synapse and sum: a wire from every population of the operand."""
    (value,) = lowering.operands(node)
    value = _readable(lowering, node, value, provenance)
    if isinstance(value, Current):
        current = composed_current(lowering, node, value)
        assert current is not None, "a chain has a row of its own"
        return current
    return projected(lowering, node, lowering.spikes(node, value, f"{node.op.kind} between two neurons"))


def _readable(lowering: Lowering, node: Node, value: LoweredValue, provenance: Provenance) -> LoweredValue:
    """Negated spikes as the current W (1 - x) = -W x + W 1, where one map comes of it, else as a population."""
    if not isinstance(value, Complement):
        return value
    if node.op.kind in ("linear", "conv"):
        return lowering.current(value, f"{node.name}_in", provenance)
    return lowering.spikes(node, value, f"{node.op.kind} of negated spikes")


def projected(lowering: Lowering, node: Node, spikes: Spikes) -> Current:
    """The current that a projection makes of populations."""
    wires = tuple(_without_copies(lowering, node, part) for part in spikes.parts)
    return Current(node.type.shape, wires, bias_of(lowering, node))


def _without_copies(lowering: Lowering, node: Node, part: str) -> Wire:
    """A wire; a matrix that reads elements several times, as after upsampling, gets one synapse for all of their weights."""
    weight = node.param("weight")
    plain = Wire(part, node.op, node.name, node.provenance, weight)
    if not isinstance(node.op, Linear) or weight is None or len(lowering.builder.type(part).shape) != 1:
        return plain
    source, routes = lowering.builder.node(part), list[Node]()
    while isinstance(source.op, (Reshape, Permute, Expand, Gather)):
        routes.insert(0, source)
        source = lowering.builder.node(source.inputs[0])
    places: Array = 1 + np.arange(source.type.size).reshape(1, 1, *source.type.shape)  # 0 is a wire from nowhere
    for route in routes:
        places = np.asarray(route.op.run((places,), {}, 1))
    if places.size <= source.type.size or bool((places == 0).any()):
        return plain
    columns = lowering.builder.array(weight)
    order = np.argsort(places.ravel(), kind="stable")
    ordered = places.ravel()[order] - 1
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    sums = np.zeros((len(columns), source.type.size), columns.dtype)
    sums[:, ordered[starts]] = np.add.reduceat(columns[:, order], starts, axis=1, dtype=np.float64)
    name = lowering.builder.param(f"{weight}.of_{node.name}", sums)
    flat = lowering.reshaped(source.name, (source.type.size,), node.name, node.provenance)
    return Wire(flat, node.op, node.name, node.provenance, name)


def composed_current(lowering: Lowering, node: Node, current: Current) -> Current | None:
    """The projection of a current, where it makes one map of its kind with the projection of every wire; else None."""
    if node.op.kind not in ("linear", "conv"):
        return None
    wires = [composed(lowering, wire, node) for wire in current.wires]
    whole = tuple(wire for wire in wires if wire is not None)
    if len(whole) < len(wires):
        return None
    bias = summed_bias([through(lowering, node, current), bias_of(lowering, node)])
    return Current(node.type.shape, whole, bias)


def bias_of(lowering: Lowering, node: Node) -> Array | None:
    """The constant that a projection adds, with the axes of its result."""
    bias = node.param("bias")
    if bias is None:
        return None
    array = lowering.graph.params[bias]
    trailing = len(node.type.shape) - 1 if isinstance(node.op, Conv) else 0
    leading = len(node.type.shape) - 1 - trailing
    return array.reshape((1,) * leading + array.shape + (1,) * trailing)
