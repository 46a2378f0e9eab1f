"""Reshape, permute, slice, concat and expand: on populations they rename wires, on currents they follow the projection."""

from __future__ import annotations

from dataclasses import replace

from ir.graph import Node, Provenance
from ir.lowerings.forms import Complement, Current, Form, Product, Spikes
from ir.lowerings.lowering import Lowering, routed_bias
from ir.ops import Concat, Expand, Reshape
from ir.ops.base import Op


def lower_routing(lowering: Lowering, node: Node, provenance: Provenance) -> Form:
    """The same routing on every population, or on every wire and the constant."""
    forms = lowering.operands(node)
    if isinstance(node.op, Concat):
        return _joined(lowering, node, forms)
    (form,) = forms
    assert not isinstance(form, Product), "a product is read by a matrix product only"
    if isinstance(form, Complement):
        return replace(form, part=lowering.builder.add(node.op, form.part, name=node.name, provenance=node.provenance))
    if isinstance(form, Current):
        return routed(form, node.op, node.type.shape)
    build = lowering.builder.add
    return Spikes(tuple(build(node.op, part, name=node.name, provenance=node.provenance) for part in form.parts))


def routed(current: Current, op: Op, shape: tuple[int, ...]) -> Current:
    """A current behind a routing operation; `shape` is the result's."""
    bias = None if current.bias is None else routed_bias(current.bias, current.shape, op)
    return Current(shape, tuple(wire.routed(op) for wire in current.wires), bias)


def fitted(current: Current, shape: tuple[int, ...]) -> Current:
    """A current broadcast to `shape`, as numpy broadcasts."""
    rows = (*(1,) * (len(shape) - len(current.shape)), *current.shape)
    current = current if rows == current.shape else routed(current, Reshape(rows), rows)
    return current if current.shape == shape else routed(current, Expand(shape), shape)


def _joined(lowering: Lowering, node: Node, forms: tuple[Form, ...]) -> Form:
    """Concatenated sums of populations are sums of concatenated populations; currents have no such form."""
    forms = tuple(
        lowering.spikes(node, form, "a concatenation") if isinstance(form, Complement) else form for form in forms
    )
    parts = [form.parts for form in forms if isinstance(form, Spikes)]
    if len(parts) < len(forms) or len({len(each) for each in parts}) > 1:
        what = "concatenates currents, or sums of different numbers of populations"
        lowering.refuse(node, "lower.concat", what, hint="concatenate the spikes behind the neurons instead")
    build = lowering.builder.add
    rows = zip(*parts, strict=True)
    return Spikes(tuple(build(node.op, *each, name=node.name, provenance=node.provenance) for each in rows))
