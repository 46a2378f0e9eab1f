"""
Divides what reads concatenated values that no population carries: spikes beside averages, beside currents, beside counts.

A linear map of them is a sum of linear maps of each, and what works element by element, or along other axes, is done to each.
So every part meets the projection on its own way, where it composes with what made it.

    W cat(a, b) + c  =  (W_a a + c) + W_b b           linear and conv whose inputs are joined, sums over the joined axis
    f(cat(a, b))     =  cat(f(a), f(b))               norms, factors, terms, maxima, delays, routing, maps along other axes

    %c = concat(%z, %p) {axis=0}                      %h_part   = conv(%z, weight=@W[:, 0:4])
    %h = conv(%c, weight=@W)                          %h_part_2 = conv(%p, weight=@W[:, 4:8])
                                                      %h = add(%h_part, %h_part_2)

Concatenations of like populations stay, since one projection reads them; others stay where neurons or products read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, repeat
from math import prod

from ir.graph import Graph, Node
from ir.lowerings.rewriter import Rewriter
from ir.ops import (
    Add,
    BatchNorm,
    Concat,
    Conv,
    Delay,
    Expand,
    Linear,
    MaxPool,
    Offset,
    Pad,
    Permute,
    Reshape,
    Scale,
    Slice,
    Sum,
)
from ir.ops.base import Op

Params = Mapping[str, str]


@dataclass(frozen=True)
class _Join:
    """Values of the new graph one after another along an axis."""

    axis: int
    parts: tuple[str, ...]
    lengths: tuple[int, ...]
    """Of the parts along that axis."""

    @property
    def starts(self) -> tuple[int, ...]:
        """Where the parts begin along the axis."""
        return (0, *accumulate(self.lengths[:-1]))


@dataclass(frozen=True)
class _Division:
    """The rewriting of one graph."""

    rewriter: Rewriter
    joins: dict[str, _Join] = field(default_factory=dict[str, _Join])
    """Value of the old graph -> what it joins."""

    def visit(self, node: Node) -> str | None:
        """What takes the place of a node; None where it stays."""
        if isinstance(node.op, Concat):
            self._note(node, node.op.axis)
        rule = _RULES.get(type(node.op))
        join = self.joins.get(node.inputs[0]) if rule is not None else None
        return rule(self, node, join) if rule is not None and join is not None else None

    def _note(self, node: Node, axis: int) -> None:
        """Remember a concatenation of unlike values, or of currents; the parts of its operands as its own."""
        args = self.rewriter.graph.args(node)
        if node.type.is_spiking and len({arg.domain for arg in args}) == 1:
            return
        parts: list[str] = []
        for name, value in zip(node.inputs, self.rewriter.inputs(node), strict=True):
            inner = self.joins.get(name)
            parts += inner.parts if inner is not None and inner.axis == axis else [value]
        self.joins[node.name] = self._join(axis, parts)

    def _join(self, axis: int, parts: Sequence[str]) -> _Join:
        return _Join(axis, tuple(parts), tuple(self.rewriter.builder.type(part).shape[axis] for part in parts))

    def each(self, node: Node, ops: Iterable[Op], parts: Iterable[str], params: Iterable[Params]) -> list[str]:
        """A node of the new graph for every part."""
        provenance = node.provenance.after(self.rewriter.pass_name)
        return [
            self.rewriter.builder.add(op, part, name=f"{node.name}_part", params=own, provenance=provenance)
            for op, part, own in zip(ops, parts, params, strict=False)
        ]

    def joined(self, node: Node, axis: int, parts: Sequence[str]) -> str:
        """The parts as one value, which takes the place of a node."""
        if len(parts) == 1:
            return parts[0]
        self.joins[node.name] = self._join(axis, parts)
        return self.rewriter.builder.add(Concat(axis), *parts, name=node.name, provenance=node.provenance)

    def summed(self, node: Node, parts: Sequence[str]) -> str:
        """The sum of the parts, which takes the place of a node."""
        return self.rewriter.builder.add(Add(), *parts, name=node.name, provenance=node.provenance)

    def cut(self, node: Node, axes: Mapping[str, int], starts: Sequence[int], ends: Sequence[int]) -> list[Params]:
        """The parameters of every part: those of the roles in `axes` cut along these."""
        return [
            {role: self._cut(name, axes[role], *ends_of) if role in axes else name for role, name in node.params}
            for ends_of in zip(starts, ends, strict=True)
        ]

    def _cut(self, name: str, axis: int, start: int, end: int) -> str:
        array = self.rewriter.graph.params[name][(slice(None),) * axis + (slice(start, end),)]
        return self.rewriter.builder.param(f"{name}.part_{start}_{end}", array)


def divide_joins(graph: Graph, pass_name: str) -> Graph:
    """The same network, what reads unlike concatenated values done to each of them; the very graph where nothing does."""
    division = _Division(Rewriter(graph, pass_name))
    return division.rewriter.run(lambda _, node: division.visit(node))


def _alike(to: _Division, node: Node, join: _Join) -> str:
    """The same operation on every part, which stays where it is."""
    return to.joined(node, join.axis, to.each(node, repeat(node.op), join.parts, repeat(dict(node.params))))


def _own(to: _Division, node: Node, join: _Join, axes: Mapping[str, int]) -> str:
    """The same operation on every part, with its own piece of the parameters in `axes`."""
    params = to.cut(node, axes, join.starts, tuple(accumulate(join.lengths)))
    return to.joined(node, join.axis, to.each(node, repeat(node.op), join.parts, params))


def _columns(to: _Division, node: Node, join: _Join) -> str:
    """A projection of each part by its columns of the weights, the bias with the first."""
    params = to.cut(node, {"weight": 1}, join.starts, tuple(accumulate(join.lengths)))
    weights = [{"weight": each["weight"]} for each in params[1:]]
    return to.summed(node, to.each(node, repeat(node.op), join.parts, [params[0], *weights]))


def _linear(to: _Division, node: Node, join: _Join) -> str:
    return _columns(to, node, join) if join.axis == len(node.type.shape) - 1 else _alike(to, node, join)


def _conv(to: _Division, node: Node, join: _Join) -> str | None:
    """By columns; of groups every part may have its own; along pixels where a kernel takes each by itself."""
    op, kernel = node.op, to.rewriter.graph.arrays(node)["weight"].shape[2:]
    assert isinstance(op, Conv)
    if join.axis:
        sides = list(zip(kernel, op.stride, op.padding, op.gaps, op.ends, strict=True))
        return _alike(to, node, join) if sides[join.axis - 1] == (1, 1, 0, 1, 0) else None
    if op.groups == 1:
        return _columns(to, node, join)
    inputs = sum(join.lengths) // op.groups
    if any(length % inputs for length in join.lengths):
        return None
    outputs = node.type.shape[0] // op.groups
    stops = [stop // inputs * outputs for stop in accumulate(join.lengths)]
    params = to.cut(node, {role: 0 for role, _ in node.params}, [0, *stops[:-1]], stops)
    ops = [replace(op, groups=length // inputs) for length in join.lengths]
    return to.joined(node, 0, to.each(node, ops, join.parts, params))


def _sum(to: _Division, node: Node, join: _Join) -> str:
    op = node.op
    assert isinstance(op, Sum)
    if join.axis not in op.axes:
        return _alike(to, node, join)
    shapes = [to.rewriter.builder.type(part).shape for part in join.parts]
    single = all(shape[axis] == 1 for shape in shapes for axis in op.axes)
    if single and op.weight == 1:
        return to.summed(node, join.parts)
    return to.summed(node, to.each(node, repeat(Scale(op.weight) if single else op), join.parts, repeat({})))


def _constants(to: _Division, node: Node, join: _Join) -> str | None:
    """Factors and terms that do not lengthen the value."""
    if to.rewriter.graph.args(node)[0].shape != node.type.shape:
        return None
    shapes = {role: array.shape for role, array in to.rewriter.graph.arrays(node).items()}
    axes = {role: join.axis + len(shape) - len(node.type.shape) for role, shape in shapes.items()}
    return _own(to, node, join, {role: axis for role, axis in axes.items() if axis >= 0 and shapes[role][axis] > 1})


def _norm(to: _Division, node: Node, join: _Join) -> str | None:
    assert isinstance(node.op, BatchNorm)
    if node.op.timed:
        return None
    return _own(to, node, join, {role: 0 for role, _ in node.params} if join.axis == node.op.axis else {})


def _by_part(to: _Division, node: Node, join: _Join) -> str | None:
    """Maxima over pixels, delays of all elements alike, zeros along other axes."""
    op = node.op
    mixed = (isinstance(op, MaxPool) and join.axis) or (isinstance(op, Delay) and node.params)
    return None if mixed or (isinstance(op, Pad) and op.axis == join.axis) else _alike(to, node, join)


def _permute(to: _Division, node: Node, join: _Join) -> str:
    assert isinstance(node.op, Permute)
    parts = to.each(node, repeat(node.op), join.parts, repeat({}))
    return to.joined(node, node.op.perm.index(join.axis), parts)


def _reshape(to: _Division, node: Node, join: _Join) -> str | None:
    """Where the elements of every part lie one after another along an axis of the result, too."""
    (arg,), after = to.rewriter.graph.args(node), node.type.shape
    outer, inner = prod(arg.shape[: join.axis]), prod(arg.shape[join.axis + 1 :])
    for axis in range(len(after)):
        before, behind = after[:axis], after[axis + 1 :]
        if prod(before) == outer and not any(length * inner % prod(behind) for length in join.lengths):
            ops = [Reshape((*before, length * inner // prod(behind), *behind)) for length in join.lengths]
            return to.joined(node, axis, to.each(node, ops, join.parts, repeat({})))
    return None


def _expand(to: _Division, node: Node, join: _Join) -> str:
    before, behind = node.type.shape[: join.axis], node.type.shape[join.axis + 1 :]
    ops = [Expand((*before, length, *behind)) for length in join.lengths]
    return to.joined(node, join.axis, to.each(node, ops, join.parts, repeat({})))


def _slice(to: _Division, node: Node, join: _Join) -> str:
    op = node.op
    assert isinstance(op, Slice)
    if op.axis != join.axis:
        return _alike(to, node, join)
    kept: list[str] = []
    for part, start, length in zip(join.parts, join.starts, join.lengths, strict=True):
        first, last = max(0, op.start - start), min(length, op.stop - start)
        if first < last:
            whole = (first, last) == (0, length)
            kept += [part] if whole else to.each(node, [Slice(op.axis, first, last)], [part], [{}])
    return to.joined(node, join.axis, kept)


_Rule = Callable[[_Division, Node, _Join], "str | None"]
_RULES: Mapping[type[Op], _Rule] = {
    Linear: _linear,
    Conv: _conv,
    Sum: _sum,
    Scale: _constants,
    Offset: _constants,
    BatchNorm: _norm,
    MaxPool: _by_part,
    Delay: _by_part,
    Permute: _permute,
    Reshape: _reshape,
    Expand: _expand,
    Pad: _by_part,
    Slice: _slice,
}
"""Operations that are linear in each part, or work on each by itself; each reads one value."""
