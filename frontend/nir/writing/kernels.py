"""
Convolutions that nir 1.0.8's own type check accepts: square kernels without groups.

Its check takes the input channels from the weight, whatever the groups, and the kernel's height for its width. The same sums
are therefore written with zeros for what a group does not see, and around a kernel that is not square.
"""

from __future__ import annotations

from itertools import product
from math import prod

import nir
import numpy as np

from frontend.nir.writing.fragments import NirFragment, convolution
from ir.graph import Array, Graph, Node
from ir.ops import Conv

REACH = 4
"""Taps of zeros on either side of an axis at most."""


def conv(graph: Graph, node: Node, expand: bool) -> NirFragment:
    """A Conv of the IR; with `expand` in the form that nir's type check accepts, where there is one."""
    pool = _pool(graph, node)
    if pool is not None:
        return NirFragment((pool,))
    arrays, op, spatial = graph.arrays(node), node.op, graph.args(node)[0].shape[1:]
    assert isinstance(op, Conv)
    weight, padding, groups = arrays["weight"], op.padding, op.groups
    bias = arrays.get("bias", np.zeros(weight.shape[0], weight.dtype))
    if expand:
        weight, groups = dense_kernels(weight, groups), 1
        weight, padding = _square(weight, op, spatial)
    return NirFragment((convolution(spatial, weight, op.stride, padding, op.dilation, bias, groups),))


def is_sayable(node: Node) -> bool:
    """Whether NIR has such a convolution: of one or two axes, elements side by side, as many zeros on either end."""
    return isinstance(node.op, Conv) and node.op.is_plain and len(node.op.stride) < 3


def _pool(graph: Graph, node: Node) -> nir.NIRNode | None:
    """The pooling that a convolution is; None if it is none."""
    arrays, op = graph.arrays(node), node.op
    assert isinstance(op, Conv)
    weight = arrays["weight"]
    channels, size = graph.args(node)[0].shape[0], weight.shape[2:]
    plain = len(size) == 2 and set(op.dilation) == {1} and "bias" not in arrays and max(size) > 1
    if not plain or op.groups != channels or weight.shape[:2] != (channels, 1):
        return None
    sizes = (np.array(size), np.array(op.stride), np.array(op.padding))
    if (weight == 1).all():
        return nir.SumPool2d(*sizes)
    return nir.AvgPool2d(*sizes) if (weight == np.asarray(1 / prod(size), weight.dtype)).all() else None


def dense_kernels(weight: Array, groups: int) -> Array:
    """The same kernels over all channels, zero where a group sees nothing."""
    if groups == 1:
        return weight
    outputs, inputs = weight.shape[0] // groups, weight.shape[1]
    dense = np.zeros((weight.shape[0], inputs * groups, *weight.shape[2:]), weight.dtype)
    for group in range(groups):
        rows = slice(group * outputs, (group + 1) * outputs)
        dense[rows, group * inputs : (group + 1) * inputs] = weight[rows]
    return dense


def _square(weight: Array, op: Conv, spatial: tuple[int, ...]) -> tuple[Array, tuple[int, ...]]:
    """The weight with zeros around it and the padding that goes with it; unchanged where nir's check accepts it, or no other."""
    sizes = weight.shape[2:]
    axes = list(zip(spatial, sizes, op.stride, op.padding, op.dilation, strict=True))
    if all(_positions(*axis) == _positions(axis[0], sizes[0], *axis[2:]) for axis in axes):
        return weight, op.padding
    growths = [_growths(*axis) for axis in axes]
    for taps in sorted(product(*growths), key=lambda taps: sum(map(sum, taps))):
        if len({k + sum(ends) for k, ends in zip(sizes, taps, strict=True)}) == 1:
            padding = tuple(p + d * before for p, d, (before, _) in zip(op.padding, op.dilation, taps, strict=True))
            return np.pad(weight, ((0, 0), (0, 0), *taps)), padding
    return weight, op.padding


def _growths(n: int, kernel: int, stride: int, pad: int, gap: int) -> list[tuple[int, int]]:
    """(taps before, taps after) by which a kernel can grow along an axis without another number of positions."""
    positions = _positions(n, kernel, stride, pad, gap)
    return [
        (a, b)
        for a in range(REACH)
        for b in range(REACH)
        if _positions(n, kernel + a + b, stride, pad + gap * a, gap) == positions
    ]


def _positions(n: int, kernel: int, stride: int, pad: int, gap: int) -> int:
    """How many places a kernel has along an axis of `n`."""
    return (n + 2 * pad - gap * (kernel - 1) - 1) // stride + 1
