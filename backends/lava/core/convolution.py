"""
Convolution of one step: by events where few inputs are active, else a gather of the padded input and one product per group.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from backends.event_driven.convolution import event_convolution
from ir.graph import Array, Node
from ir.ops.linear import Conv

DENSE_NS, COLUMN_NS, PRODUCT_NS = 30_000, 0.5, 0.026
"""Of the gather and product: a call, an element that is gathered, a multiplication."""


def integer_convolution(node: Node, shape: tuple[int, ...], weight: Array) -> Callable[[Array], Array]:
    """The callable of a convolution of integers, each sum of whose magnitudes is exact in float32; as `convolution`."""
    assert isinstance(node.op, Conv)
    dense = convolution(node, shape, weight.astype(np.float32), np.matmul)
    events = event_convolution(node.op, weight, (shape[1], shape[2])) if len(shape) == 3 else None
    if events is None:
        return lambda x: dense(x.astype(np.float32, copy=False))
    columns = prod(weight.shape[1:]) * prod(node.type.shape[1:])
    lane_ns = columns * (COLUMN_NS * node.op.groups + PRODUCT_NS * len(weight))
    silence = np.zeros((1, *shape), np.float32)
    events.convolve(silence, np.inf)  # compiled now, and not in every process that is forked later

    def run(x: Array) -> Array:
        values = x.astype(np.float32, order="C")[0]  # a copy: numba compiles anew for what is read-only
        y = events.convolve(values, DENSE_NS + len(values) * lane_ns)
        return dense(values[None]) if y is None else np.ascontiguousarray(y.transpose(0, 3, 1, 2))[None]

    return run


def convolution(
    node: Node, shape: tuple[int, ...], weight: Array, multiply: Callable[[Array, Array], Array]
) -> Callable[[Array], Array]:
    """
    The callable of a convolution, (1, lanes, *shape) -> (1, lanes, *result).

    Args:
        multiply: the products of weights (groups, outputs, terms) with columns (groups, terms, positions).
    """
    assert isinstance(node.op, Conv)
    op, groups, out = node.op, node.op.groups, node.type.shape
    taps = _tap_indices(op, shape, weight.shape[2:], out[1:])
    matrix = weight.reshape(groups, weight.shape[0] // groups, -1)

    def run(x: Array) -> Array:
        lanes = x.shape[1]
        padded = _padded(x.reshape(lanes, -1).T.reshape(*shape, lanes), op)
        flat = padded.reshape(groups, shape[0] // groups, -1, lanes)
        columns = np.take(flat, taps, axis=2).reshape(groups, matrix.shape[2], -1)
        sums = multiply(matrix, columns).reshape(-1, lanes)
        return np.ascontiguousarray(sums.T).reshape(1, lanes, *out)

    return run


def _padded(maps: Array, op: Conv) -> Array:
    """Zeros around, and between, the elements of (channels, *sizes, lanes)."""
    if op.is_plain and not any(op.padding):
        return maps
    sizes = maps.shape[1:-1]
    wide = np.zeros((len(maps), *op.padded(sizes), maps.shape[-1]), maps.dtype)
    wide[(slice(None), *op.inside(sizes))] = maps
    return wide


def _tap_indices(op: Conv, shape: tuple[int, ...], kernel: tuple[int, ...], out: tuple[int, ...]) -> Array:
    """Flat position in the padded input of every (kernel tap, output position)."""
    index = np.zeros((1, 1), np.int64)
    for axis, size in enumerate(op.padded(shape[1:])):
        along = op.dilation[axis] * np.arange(kernel[axis])[:, None] + op.stride[axis] * np.arange(out[axis])
        wide = index[:, None, :, None] * size + along[None, :, None, :]
        index = wide.reshape(wide.shape[0] * wide.shape[1], -1)
    return index
