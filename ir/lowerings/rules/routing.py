"""
Reshape, permute, slice, gather, pad, concat and expand: on populations they rename wires, on currents they follow the
projection. A wire from nowhere is silent, whatever it would carry.
"""

from __future__ import annotations

from dataclasses import replace

from ir.graph import Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.values import Complement, Current, LoweredValue, Spikes, routed_bias
from ir.ops import Concat, Expand, Gather, Pad, Reshape
from ir.ops.base import Op
from ir.ops.shape import SILENT


def lower_routing(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The same routing on every population, or on every wire and the constant."""
    operands = lowering.operands(node)
    if isinstance(node.op, Concat):
        return _joined(lowering, node, operands)
    (value,) = operands
    if _is_silent_somewhere(node.op):
        value = lowering.positive(value)
    if isinstance(value, Complement):
        return replace(
            value, part=lowering.builder.add(node.op, value.part, name=node.name, provenance=node.provenance)
        )
    if isinstance(value, Current):
        return routed(value, node.op, node.type.shape)
    assert isinstance(value, Spikes), "a product is read by a matrix product only"
    build = lowering.builder.add
    return Spikes(tuple(build(node.op, part, name=node.name, provenance=node.provenance) for part in value.parts))


def _is_silent_somewhere(op: Op) -> bool:
    """Whether some wires lead from nowhere: what does not fire there is no spike either."""
    return isinstance(op, Pad) or (isinstance(op, Gather) and SILENT in op.index)


def routed(current: Current, op: Op, shape: tuple[int, ...]) -> Current:
    """A current behind a routing operation; `shape` is the result's."""
    bias = None if current.bias is None else routed_bias(current.bias, current.shape, op)
    return Current(shape, tuple(wire.routed(op) for wire in current.wires), bias)


def fitted(current: Current, shape: tuple[int, ...]) -> Current:
    """A current broadcast to `shape`, as numpy broadcasts."""
    rows = (*(1,) * (len(shape) - len(current.shape)), *current.shape)
    current = current if rows == current.shape else routed(current, Reshape(rows), rows)
    return current if current.shape == shape else routed(current, Expand(shape), shape)


def _joined(lowering: Lowering, node: Node, operands: tuple[LoweredValue, ...]) -> LoweredValue:
    """Concatenated sums of populations are sums of concatenated populations; currents cannot be joined."""
    values = [lowering.positive(value) for value in operands]
    parts = [value.parts for value in values if isinstance(value, Spikes)]
    if len(parts) < len(values) or len({len(populations) for populations in parts}) > 1:
        what = "concatenates currents, or sums of different numbers of populations"
        lowering.refuse(node, "lower.concat", what, hint="concatenate the spikes behind the neurons instead")
    build = lowering.builder.add
    rows = zip(*parts, strict=True)
    return Spikes(tuple(build(node.op, *row, name=node.name, provenance=node.provenance) for row in rows))
