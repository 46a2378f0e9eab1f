"""Convolution of one step as a gather of the padded input followed by one matrix product per group."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ir.graph import Array, Node
from ir.ops.linear import Conv


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
    margin = [(0, 0), *((pad, pad) for pad in op.padding), (0, 0)]

    def run(x: Array) -> Array:
        flat = np.pad(np.moveaxis(x[0], 0, -1), margin).reshape(groups, shape[0] // groups, -1, x.shape[1])
        columns = flat[:, :, taps].reshape(groups, matrix.shape[2], -1)
        sums = multiply(matrix, columns).reshape(*out, x.shape[1])
        return np.ascontiguousarray(np.moveaxis(sums, -1, 0))[None]

    return run


def _tap_indices(op: Conv, shape: tuple[int, ...], kernel: tuple[int, ...], out: tuple[int, ...]) -> Array:
    """Flat position in the padded input of every (kernel tap, output position)."""
    padded = [size + 2 * pad for size, pad in zip(shape[1:], op.padding, strict=True)]
    index = np.zeros((1, 1), np.int64)
    for axis, size in enumerate(padded):
        along = op.dilation[axis] * np.arange(kernel[axis])[:, None] + op.stride[axis] * np.arange(out[axis])
        wide = index[:, None, :, None] * size + along[None, :, None, :]
        index = wide.reshape(wide.shape[0] * wide.shape[1], -1)
    return index
