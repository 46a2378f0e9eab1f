"""
Reshape, permute, slice, gather, pad, concat and expand: on populations they rename wires, on currents they follow the
projection. A wire from nowhere is silent, whatever it would carry.

    concat of populations    sums of concatenated populations; a value of fewer populations is silent in the others
    concat of anything else  a current: synapses of each part onto its place, none elsewhere
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from ir.graph import Array, Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.scaled_spikes import scaled, spiking_factor, without_factors
from ir.lowerings.values import Complement, Current, LoweredValue, Spikes, Wire, routed_bias, summed_bias
from ir.ops import Concat, Expand, Gather, Pad, Reshape
from ir.ops.base import Op
from ir.ops.shape import SILENT


def lower_routing(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The same routing on every population, or on every wire and the constant."""
    operands = lowering.operands(node)
    if isinstance(node.op, Concat):
        return _joined(lowering, node, operands, provenance)
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


def _joined(lowering: Lowering, node: Node, operands: tuple[LoweredValue, ...], provenance: Provenance) -> LoweredValue:
    """Populations with populations, if behind one factor; currents and unlike populations as a current."""
    factors = {spiking_factor(lowering, value) for value in operands}
    factor = factors.pop() if len(factors) == 1 else None
    values = without_factors(lowering, node, operands)[0] if factor is not None else operands
    if not _are_alike(lowering, values):
        return _side_by_side(lowering, node, operands, provenance)
    parts = [lowering.spikes(node, value, "a concatenation").parts for value in values]
    rows = tuple(_row(lowering, node, row, provenance) for row in zip_longest(*parts))
    return scaled(lowering, Spikes(rows), 1.0 if factor is None else factor, node, provenance)


def _are_alike(lowering: Lowering, values: Sequence[LoweredValue]) -> bool:
    """Whether all values are populations that send the same: spikes, or payloads of as many bits."""
    parts = [_parts(value) for value in values]
    return (
        all(parts) and len({lowering.builder.type(part).domain for populations in parts for part in populations}) == 1
    )


def _parts(value: LoweredValue) -> tuple[str, ...]:
    """The populations of spikes, or the one of negated spikes; none of what is none."""
    return (value.part,) if isinstance(value, Complement) else value.parts if isinstance(value, Spikes) else ()


def _row(lowering: Lowering, node: Node, row: Sequence[str | None], provenance: Provenance) -> str:
    """One population of every value, side by side, and wires from nowhere where a value has none."""
    assert isinstance(node.op, Concat)
    axis, build = node.op.axis, lowering.builder.add
    present = [part for part in row if part is not None]
    if len(present) == len(row):
        return build(node.op, *present, name=node.name, provenance=node.provenance)
    wide, silent, last = list[str](), 0, max(place for place, part in enumerate(row) if part is not None)
    lengths = [arg.shape[axis] for arg in lowering.graph.args(node)]
    for place, (part, length) in enumerate(zip(row, lengths, strict=True)):
        if part is None:
            silent += length
            continue
        behind = sum(lengths[place + 1 :]) if place == last else 0
        if silent or behind:
            part = lowering.add(Pad(axis, silent, behind), part, name=f"{node.name}_pad", provenance=provenance)
        wide, silent = [*wide, part], 0
    return wide[0] if len(wide) == 1 else build(node.op, *wide, name=node.name, provenance=node.provenance)


def _side_by_side(
    lowering: Lowering, node: Node, operands: tuple[LoweredValue, ...], provenance: Provenance
) -> Current:
    """The current of every value at its place, and nothing of it elsewhere."""
    assert isinstance(node.op, Concat)
    axis, wires, biases, start = node.op.axis, list[Wire](), list[Array | None](), 0
    for value, arg in zip(operands, lowering.graph.args(node), strict=True):
        behind = node.type.shape[axis] - start - arg.shape[axis]
        current = lowering.current(value, f"{node.name}_in", provenance)
        placed = routed(current, Pad(axis, start, behind), node.type.shape)
        wires, biases, start = [*wires, *placed.wires], [*biases, placed.bias], start + arg.shape[axis]
    return Current(node.type.shape, tuple(wires), summed_bias(biases))
