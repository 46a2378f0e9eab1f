"""
Drops routing that changes nothing and joins routing that follows routing, so that later passes see short chains.

>>> from ir.text import graph_text, parse_graph
>>> before = '''graph g steps=1
...   %x = input() {type='spike[2x3]'} : spike[2x3]
...   %p = permute(%x) {perm=(1, 0)} : spike[3x2]
...   %q = permute(%p) {perm=(1, 0)} : spike[2x3]
...   %r = reshape(%q) {shape=(6,)} : spike[6]
...   %s = reshape(%r) {shape=(3, 2)} : spike[3x2]
...   output y = %s'''
>>> print(graph_text(merge_routing(parse_graph(before, {}))), end="")
graph g steps=1
  %x = input() {type='spike[2x3]'} : spike[2x3]
  %s = reshape(%x) {shape=(3, 2)} : spike[3x2]
  output y = %s
"""

from __future__ import annotations

from dataclasses import replace

from ir.deployment import Context, Deployment
from ir.graph import Graph, Node
from ir.lowerings.rewriter import Rewriter
from ir.ops import Conv, Expand, Gather, Pad, Permute, Reshape, Slice
from ir.ops.shape import SILENT
from ir.types import Type

PASS = "merge_routing"
Routing = Reshape | Permute | Slice | Expand | Gather
"""What is joined."""


def merge_routing(graph: Graph) -> Graph:
    """The graph with consecutive routing joined, zeros around convolutions in these, and no routing that is the identity."""
    return Rewriter(graph, PASS).run(_merge)


def apply(deployment: Deployment, context: Context) -> Deployment:
    """The deployment with its chip's graph rewritten, see `merge_routing`."""
    return deployment.on_chip(merge_routing)


def _merge(rewriter: Rewriter, node: Node) -> str | None:
    if isinstance(node.op, Conv):
        return _around(rewriter, node, node.op)
    if not isinstance(node.op, Routing):
        return None
    (source,) = rewriter.inputs(node)
    if _is_identity(node.op, rewriter.builder.type(source)):
        return source
    before = rewriter.builder.node(source)
    joined = _joined(before, node)
    if joined is None:
        return None
    (origin,) = before.inputs
    if _is_identity(joined, rewriter.builder.type(origin)):
        return origin
    return rewriter.builder.add(joined, origin, name=node.name, provenance=node.provenance)


def _around(rewriter: Rewriter, node: Node, conv: Conv) -> str | None:
    """A convolution that has the zeros itself which pads put around its operand, as those then have no synapses."""
    wider, source = conv, rewriter.inputs(node)[0]
    before = rewriter.builder.node(source)
    while isinstance(before.op, Pad) and (taken := _with_zeros(wider, before.op)) is not None:
        wider, source = taken, before.inputs[0]
        before = rewriter.builder.node(source)
    if wider == conv:
        return None
    return rewriter.builder.add(wider, source, name=node.name, params=dict(node.params), provenance=node.provenance)


def _with_zeros(conv: Conv, pad: Pad) -> Conv | None:
    """The convolution of what a pad would put zeros around; None of channels, and where more would lie before than behind."""
    places = range(1, len(conv.stride) + 1)
    padding = tuple(zeros + pad.before * (axis == pad.axis) for axis, zeros in zip(places, conv.padding, strict=True))
    more = pad.after - pad.before
    extra = tuple(end + more * (axis == pad.axis) for axis, end in zip(places, conv.ends, strict=True))
    if pad.axis == 0 or min(extra) < 0:
        return None
    return replace(conv, padding=padding, extra=extra if any(extra) else ())


def _is_identity(op: Routing, source: Type) -> bool:
    if isinstance(op, Gather):
        return op.index == tuple(range(source.shape[op.axis]))
    if isinstance(op, Permute):
        return op.perm == tuple(range(len(source.shape)))
    if isinstance(op, Slice):
        return (op.start, op.stop) == (0, source.shape[op.axis])
    return op.shape == source.shape


def _joined(before: Node, node: Node) -> Reshape | Permute | Expand | Gather | None:
    """One operation for two in a row, or None where they do not join."""
    first, second = before.op, node.op
    if isinstance(first, Reshape) and isinstance(second, Reshape):
        return second
    if isinstance(first, Expand) and isinstance(second, Expand):
        return second
    if isinstance(first, Gather) and isinstance(second, Gather) and first.axis == second.axis:
        return Gather(first.axis, tuple(SILENT if k == SILENT else first.index[k] for k in second.index))
    if isinstance(first, Permute) and isinstance(second, Permute):
        return Permute(tuple(first.perm[axis] for axis in second.perm))
    return None
