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

    def run(x: Array) -> Array:
        lanes = x.shape[1]
        padded = _padded(x.reshape(lanes, -1).T.reshape(*shape, lanes), op.padding)
        flat = padded.reshape(groups, shape[0] // groups, -1, lanes)
        columns = np.take(flat, taps, axis=2).reshape(groups, matrix.shape[2], -1)
        sums = multiply(matrix, columns).reshape(-1, lanes)
        return np.ascontiguousarray(sums.T).reshape(1, lanes, *out)

    return run


def _padded(maps: Array, padding: tuple[int, ...]) -> Array:
    """Zeros around (channels, *sizes, lanes)."""
    if not any(padding):
        return maps
    sizes = [size + 2 * pad for size, pad in zip(maps.shape[1:], padding, strict=False)]
    wide = np.zeros((len(maps), *sizes, maps.shape[-1]), maps.dtype)
    inner = tuple(slice(pad, size - pad) for size, pad in zip(sizes, padding, strict=True))
    wide[(slice(None), *inner)] = maps
    return wide


def _tap_indices(op: Conv, shape: tuple[int, ...], kernel: tuple[int, ...], out: tuple[int, ...]) -> Array:
    """Flat position in the padded input of every (kernel tap, output position)."""
    padded = [size + 2 * pad for size, pad in zip(shape[1:], op.padding, strict=True)]
    index = np.zeros((1, 1), np.int64)
    for axis, size in enumerate(padded):
        along = op.dilation[axis] * np.arange(kernel[axis])[:, None] + op.stride[axis] * np.arange(out[axis])
        wide = index[:, None, :, None] * size + along[None, :, None, :]
        index = wide.reshape(wide.shape[0] * wide.shape[1], -1)
    return index
