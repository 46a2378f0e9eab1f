"""
Brings numbers of single neurons to the weight rows that feed them: input gains that differ, or change sign, go there.

A shared weight (a kernel, a matrix used at every token) serves many neurons; it can take a factor only where they agree.
"""

from __future__ import annotations

import numpy as np

from ir.errors import CompileError
from ir.graph import Array, Graph, Node

ROW_AXIS = {"linear": -1, "conv": 0}
"""Kind of projection -> the axis of its result along which its weight has rows; others have one weight for all."""


def row_factors(graph: Graph, node: Node, operand: str, factors: Array) -> Array:
    """
    The factor of every row of the projection behind one operand: (rows,), or () where one weight serves all.

    Args:
        node: the population. operand: a value that it reads. factors: of its neurons, broadcastable to its shape.

    Raises:
        CompileError: neurons that share a row need different factors, or routing hides which row feeds which neuron.
    """
    chain, value = list[Node](), graph.nodes[operand]
    while value.op.family == "routing":
        if len(value.inputs) != 1:
            raise _refused(node, value, "reads several projections at once")
        chain.append(value)
        value = graph.nodes[value.inputs[0]]
    places = np.arange(value.type.size).reshape(1, 1, *value.type.shape)
    for step in reversed(chain):
        if step.op.kind != "delay":
            places = step.op.run((places,), graph.arrays(step), 1)
    per_element = _gathered(node, value, places[0, 0], np.broadcast_to(factors, node.type.shape))
    axis = ROW_AXIS.get(value.op.kind)
    if axis is None:
        return _agreed(node, value, per_element.reshape(1, -1))[0]
    return _agreed(node, value, np.moveaxis(per_element, axis, 0).reshape(value.type.shape[axis], -1))


def _gathered(node: Node, projection: Node, places: Array, factors: Array) -> Array:
    """The factor of every element of the projection's result; NaN for what no neuron reads."""
    found = np.full(projection.type.size, np.nan)
    found[places.ravel()] = factors.ravel()
    if not np.array_equal(found[places], factors):
        raise _refused(node, projection, "feeds neurons of different input gains with one weight")
    return found.reshape(projection.type.shape)


def _agreed(node: Node, projection: Node, rows: Array) -> Array:
    """The one factor of each row; 1 for rows that nobody reads."""
    known = ~np.isnan(rows)
    first = np.where(known.any(axis=1), rows[np.arange(len(rows)), known.argmax(axis=1)], 1.0)
    if not np.all((rows == first[:, None]) | ~known):
        raise _refused(node, projection, "feeds neurons of different input gains with one weight")
    return first


def _refused(node: Node, projection: Node, what: str) -> CompileError:
    hint = "give every neuron its own weights, or the population one gain"
    return CompileError(
        "quantize.gain", f"%{projection.name} {what}", where=f"%{node.name}  {node.provenance}", hint=hint
    )
