"""
Brings input gains that differ between the neurons of a population, or change its sign, to the weights that feed them.

A shared weight (a kernel, a matrix used at every token) serves many neurons; it can take a factor only where they agree.
Where one synapse weight serves a population of different gains, every neuron gets a weight of its own first:

    %c = synapse(%x) {weight=1.0} : current[4]     %c_1 = reshape(%x) : spike[4x1x1]
    %s = leaky(%c, gain=@g)                        %c_2 = conv(%c_1, weight=@c.each) {groups=4} : current[4x1x1]
                                                   %c = reshape(%c_2) : current[4]
A grouped 1 x 1 convolution has as many synapses as the one-to-one connection that it replaces.
"""

from __future__ import annotations

import numpy as np

from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.lowerings.rewriter import Rewriter
from ir.ops.linear import Conv, Synapse
from ir.ops.shape import Reshape
from ir.quantize.neurons.distinct import distinct_neurons

PASS = "quantize"
ROW_AXIS = {"linear": -1, "conv": 0}
"""Kind of projection -> the axis of its result along which its weight has rows; others have one weight for all."""


def separate_gains(chip: Graph) -> Graph:
    """The same network, in which every population whose input gains differ has weights that can take them."""
    currents = {name for node in chip.nodes.values() if _gains_differ(chip, node) for name in node.inputs}
    return Rewriter(chip, PASS).run(lambda rewriter, node: _separate(rewriter, node) if node.name in currents else None)


def _gains_differ(chip: Graph, node: Node) -> bool:
    neurons = distinct_neurons(chip, node) if set(dict(node.params)) - {"bias"} else None
    return neurons is not None and len({neuron.factor for neuron in neurons.members}) > 1


def _separate(rewriter: Rewriter, node: Node) -> str | None:
    if not isinstance(node.op, Synapse) or node.op.micro:
        return None
    builder, size, provenance = rewriter.builder, node.type.size, node.provenance.after(PASS)
    weight = builder.param(f"{node.name}.each", np.full((size, 1, 1, 1), node.op.weight, np.float64))
    column = builder.add(
        Reshape((size, 1, 1)), *rewriter.inputs(node), name=f"{node.name}_column", provenance=provenance
    )
    op = Conv((1, 1), (0, 0), (1, 1), size)
    each = builder.add(op, column, name=f"{node.name}_each", params={"weight": weight}, provenance=provenance)
    return builder.add(Reshape(node.type.shape), each, name=node.name, provenance=provenance)


def row_factors(graph: Graph, node: Node, operand: str, factors: Array) -> Array:
    """
    The factor of every row of the projection behind one operand: (rows,), or () where one weight serves all.

    Args:
        node: the population. operand: a value that it reads. factors: of its neurons, broadcastable to its shape.

    Raises:
        CompileError: neurons that share a row need different factors, or routing hides which row feeds which neuron.
    """
    if np.all(factors == factors.ravel()[0]):
        return np.asarray(factors.ravel()[0])
    value, places = arrivals(graph, operand)
    if places is None:
        raise _refused(node, value, "reads several projections at once")
    per_element = _gathered(node, value, places, np.broadcast_to(factors, node.type.shape))
    axis = ROW_AXIS.get(value.op.kind)
    if axis is None:
        return _agreed(node, value, per_element.reshape(1, -1))[0]
    return _agreed(node, value, np.moveaxis(per_element, axis, 0).reshape(value.type.shape[axis], -1))


def arrivals(graph: Graph, operand: str) -> tuple[Node, Array | None]:
    """
    The projection behind an operand, and which of its elements, counted from 1, arrives where; 0 is a wire from nowhere.

    Where routing joins values: the node that does, and None.
    """
    routes, value = list[Node](), graph.nodes[operand]
    while value.op.family == "routing":
        if len(value.inputs) != 1:
            return value, None
        routes.append(value)
        value = graph.nodes[value.inputs[0]]
    places = 1 + np.arange(value.type.size).reshape(1, 1, *value.type.shape)
    for route in reversed(routes):
        if route.op.kind != "delay":
            places = route.op.run((places,), graph.arrays(route), 1)
    return value, places[0, 0]


def _gathered(node: Node, projection: Node, places: Array, factors: Array) -> Array:
    """The factor of every element of the projection's result; NaN for what no neuron reads."""
    gathered = np.full(1 + projection.type.size, np.nan)
    gathered[places.ravel()] = factors.ravel()
    if not np.array_equal(gathered[places][places > 0], factors[places > 0]):
        raise _refused(node, projection, "feeds neurons of different input gains with one weight")
    return gathered[1:].reshape(projection.type.shape)


def _agreed(node: Node, projection: Node, rows: Array) -> Array:
    """The one factor of each row; 1 for rows that nobody reads."""
    is_read = ~np.isnan(rows)
    first = np.where(is_read.any(axis=1), rows[np.arange(len(rows)), is_read.argmax(axis=1)], 1.0)
    if not np.all((rows == first[:, None]) | ~is_read):
        raise _refused(node, projection, "feeds neurons of different input gains with one weight")
    return first


def _refused(node: Node, projection: Node, what: str) -> CompileError:
    hint = "give every neuron its own weights, or the population one gain"
    return CompileError(
        "quantize.gain", f"%{projection.name} {what}", where=f"%{node.name}  {node.provenance}", hint=hint
    )
