"""
Before which operations a sum over steps and features moves, down to the first that is not linear.

    sum_t w[t] (W x[t] + b)  =  W (sum_t w[t] x[t]) + b sum_t w[t]
    sum_p (W x[p] + b)       =  W (sum_p x[p]) + n b
    sum_p sum_k W[k] x[p + k] + b  =  sum_k W[k] (sum_p x[p + k]) + n b

Spikes are added up first, to whole numbers. Factors of means stay where the network has them, behind the sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from ir.graph import Node
from ir.lowerings.rewriter import Rewriter
from ir.lowerings.sums.advance import Advance, Rule, Summed
from ir.ops import (
    Add,
    BatchNorm,
    Concat,
    Conv,
    Linear,
    Offset,
    Permute,
    Reshape,
    Scale,
    Slice,
    Subtract,
    Sum,
    TimeSum,
    TimeWeight,
)
from ir.ops.base import Op


def advanced_sum(rewriter: Rewriter, node: Node) -> str | None:
    """What replaces a node that sums; None where it sums over steps of which nobody knows how many there are."""
    return _RULES[type(node.op)](Advance(rewriter, _RULES), node, Summed())


def _sum(to: Advance, node: Node, summed: Summed) -> str | None:
    assert isinstance(node.op, Sum)
    if node.op.micro:
        return None
    wider = replace(summed, axes=summed.axes | set(node.op.axes))
    return to.scaled(node, to.of(node.inputs[0], wider), node.op.weight)


def _time_sum(to: Advance, node: Node, summed: Summed) -> str | None:
    assert isinstance(node.op, TimeSum)
    (arg,) = to.rewriter.graph.args(node)
    steps = (1.0,) * (arg.steps or to.rewriter.graph.steps)
    return to.scaled(node, to.of(node.inputs[0], replace(summed, steps=steps)), node.op.factor) if steps else None


def _time_weight(to: Advance, node: Node, summed: Summed) -> str | None:
    weight = to.rewriter.graph.arrays(node)["weight"]
    if weight.ndim > 1:
        return None
    if not summed.steps:
        return to.add(node, node.op, to.of(node.inputs[0], summed), params=dict(node.params))
    if len(set(weight.tolist())) == 1:
        return to.scaled(node, to.of(node.inputs[0], summed), float(weight[0]))
    steps = tuple(float(a) * b for a, b in zip(weight, summed.steps, strict=True))
    return to.of(node.inputs[0], replace(summed, steps=steps))


def _matrix(to: Advance, node: Node, summed: Summed) -> str | None:
    if len(node.type.shape) - 1 in summed.axes:
        return None
    params = to.times(node, ("bias",), summed.times(node.type.shape))
    return to.add(node, node.op, to.of(node.inputs[0], summed), params=params)


def _kernel(to: Advance, node: Node, summed: Summed) -> str | None:
    """A kernel on the sums of what each of its taps reads at all places, which are all elements where it takes each alone."""
    op, weight = node.op, to.rewriter.graph.arrays(node)["weight"]
    assert isinstance(op, Conv)
    if 0 in summed.axes:
        return None
    sides = zip(weight.shape[2:], op.stride, op.padding, op.gaps, op.ends, strict=True)
    alone = summed.axes & {axis for axis, side in enumerate(sides, 1) if side == (1, 1, 0, 1, 0)}
    value = to.of(node.inputs[0], replace(summed, axes=alone))
    for axis in sorted(summed.axes - alone):
        value = _tap_sums(to, node, value, axis, weight.shape[axis + 1])

    def left(numbers: tuple[int, ...], neutral: int) -> tuple[int, ...]:
        return tuple(neutral if axis in summed.axes else number for axis, number in enumerate(numbers, 1))

    stride, padding, dilation = left(op.stride, 1), left(op.padding, 0), left(op.dilation, 1)
    one = Conv(stride, padding, dilation, op.groups, left(op.spread, 1), left(op.extra, 0))
    return to.add(node, one, value, params=to.times(node, ("bias",), summed.times(node.type.shape)))


def _tap_sums(to: Advance, node: Node, value: str, axis: int, taps: int) -> str:
    """Along one axis the sum of the elements that each tap of a convolution reads, by a matrix of how often it reads them."""
    assert isinstance(node.op, Conv)
    shape, last = to.rewriter.builder.type(value).shape, len(node.type.shape) - 1
    reads = node.op.reads(axis - 1, shape[axis], taps)
    matrix = (reads[:, :, None] == np.arange(shape[axis])).sum(0).astype(to.rewriter.graph.dtype)
    swapped = list(range(last + 1))
    swapped[axis], swapped[last] = last, axis
    value = value if axis == last else to.add(node, Permute(tuple(swapped)), value)
    params = {"weight": to.rewriter.builder.param(f"{node.name}.taps", matrix)}
    value = to.add(node, Linear(), value, params=params)
    return value if axis == last else to.add(node, Permute(tuple(swapped)), value)


def _norm(to: Advance, node: Node, summed: Summed) -> str | None:
    assert isinstance(node.op, BatchNorm)
    if node.op.timed or node.op.axis in summed.axes:
        return None
    params = to.times(node, ("mean", "bias"), summed.times(node.type.shape))
    return to.add(node, node.op, to.of(node.inputs[0], summed), params=params)


def _terms(to: Advance, node: Node, summed: Summed) -> str:
    """Of an operand with fewer elements each counts as often as it stands for others."""
    values, shape = list[str](), node.type.shape
    for name, arg in zip(node.inputs, to.rewriter.graph.args(node), strict=True):
        missing = len(shape) - len(arg.shape)
        own = frozenset(axis - missing for axis in summed.axes if axis >= missing and arg.shape[axis - missing] > 1)
        repeated = Summed(summed.axes - {axis + missing for axis in own}).times(shape)
        values.append(to.scaled(node, to.of(name, replace(summed, axes=own)), repeated))
    return to.add(node, node.op, *values)


def _scale(to: Advance, node: Node, summed: Summed) -> str | None:
    (arg,) = to.rewriter.graph.args(node)
    weight = to.rewriter.graph.arrays(node).get("weight")
    shape = () if weight is None else weight.shape
    missing = len(node.type.shape) - len(shape)
    varies = any(axis >= missing and shape[axis - missing] > 1 for axis in summed.axes)
    if varies or node.type.shape != arg.shape:
        return None
    return to.add(node, node.op, to.of(node.inputs[0], summed), params=dict(node.params))


def _offset(to: Advance, node: Node, summed: Summed) -> str | None:
    assert isinstance(node.op, Offset)
    (arg,) = to.rewriter.graph.args(node)
    bias = to.rewriter.graph.arrays(node).get("bias")
    if node.type.shape != arg.shape:
        return None
    value = to.of(node.inputs[0], summed)
    if bias is None:
        return to.add(node, Offset(node.op.term * summed.times(arg.shape)), value)
    wide = bias.reshape((1,) * (len(arg.shape) - bias.ndim) + bias.shape).astype(np.float64)
    repeated = frozenset(axis for axis in summed.axes if wide.shape[axis] == 1)
    wide = wide.sum(tuple(summed.axes), keepdims=True) * replace(summed, axes=repeated).times(arg.shape)
    key = to.rewriter.builder.param(f"{node.param('bias')}.times", wide.astype(bias.dtype))
    return to.add(node, node.op, value, params={"bias": key})


def _concat(to: Advance, node: Node, summed: Summed) -> str | None:
    assert isinstance(node.op, Concat | Slice)
    if node.op.axis in summed.axes:
        return None
    return to.add(node, node.op, *(to.of(name, summed) for name in node.inputs))


def _permute(to: Advance, node: Node, summed: Summed) -> str:
    assert isinstance(node.op, Permute)
    before = frozenset(node.op.perm[axis] for axis in summed.axes)
    return to.add(node, node.op, to.of(node.inputs[0], replace(summed, axes=before)))


def _reshape(to: Advance, node: Node, summed: Summed) -> str | None:
    (arg,) = to.rewriter.graph.args(node)
    before = _axes_before(arg.shape, node.type.shape, summed.axes)
    if before is None:
        return None
    value = to.of(node.inputs[0], replace(summed, axes=before))
    shape = tuple(1 if axis in summed.axes else n for axis, n in enumerate(node.type.shape))
    return value if to.rewriter.builder.type(value).shape == shape else to.add(node, Reshape(shape), value)


def _axes_before(before: tuple[int, ...], after: tuple[int, ...], axes: frozenset[int]) -> frozenset[int] | None:
    """
    The axes of a shape that become `axes` of another one; None where some become others, too.

    >>> _axes_before((4, 3, 5), (4, 15), frozenset({1}))
    frozenset({1, 2})
    """
    others = [_places(after, axis) for axis, n in enumerate(after) if n > 1 and axis not in axes]
    own = [axis for axis, n in enumerate(before) if n > 1 and _is_apart(_places(before, axis), others)]
    same = prod(before[axis] for axis in own) == prod(after[axis] for axis in axes)
    return frozenset(own) if same else None


def _places(shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    """An axis as a part of a shape: how many elements there are along the axes before it, and with it."""
    return prod(shape[:axis]), prod(shape[: axis + 1])


def _is_apart(place: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    return all(place[1] <= start or place[0] >= end for start, end in others)


_RULES: Mapping[type[Op], Rule] = {
    Sum: _sum,
    TimeSum: _time_sum,
    TimeWeight: _time_weight,
    Linear: _matrix,
    Conv: _kernel,
    BatchNorm: _norm,
    Add: _terms,
    Subtract: _terms,
    Scale: _scale,
    Offset: _offset,
    Concat: _concat,
    Slice: _concat,
    Permute: _permute,
    Reshape: _reshape,
}
"""Linear operations."""
