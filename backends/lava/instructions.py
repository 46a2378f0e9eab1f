"""
Projections and routing as numpy callables that compute one step, exact by construction.

Integer networks are computed in floating point, whose sums are exact in any order below the proven range: float32 where the
range proof allows it, else float64. Real networks accumulate products in float64 and round once to float32, so that the
order of summation does not show. Values are (1, 1, *shape), one step of one sample, as the operations expect them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backends.lava.bounds import EXACT_FLOAT32
from ir.graph import Array, Graph, Node
from ir.ops.linear import Conv

Compute = Callable[..., Array]
"""Operands of one step -> the value of one step."""


def wiring_instruction(graph: Graph, node: Node, bounds: Mapping[str, int] | None) -> Compute:
    """The callable of a projection or of routing without memory; `bounds` is the range proof, None for a real network."""
    if node.op.family == "routing":
        return _routing(node, bounds)
    working, result = _dtypes(graph, node, bounds)
    params = {role: array.astype(working) for role, array in graph.arrays(node).items()}
    compute = _conv(node, graph.args(node)[0].shape, params["weight"]) if isinstance(node.op, Conv) else None

    def run(x: Array) -> Array:
        x = x.astype(working, copy=False)
        y = compute(x) if compute else node.op.run((x,), params, 1)
        return y.astype(result, copy=False)

    return run


def _routing(node: Node, bounds: Mapping[str, int] | None) -> Compute:
    """Routing as it is; a sum of integers that float32 might round is added in float64."""
    if bounds is not None and bounds[node.name] >= EXACT_FLOAT32:
        return lambda *args: node.op.run(tuple(arg.astype(np.float64) for arg in args), {}, 1)
    return lambda *args: node.op.run(args, {}, 1)


def _dtypes(graph: Graph, node: Node, bounds: Mapping[str, int] | None) -> tuple[Any, Any]:
    """The number types in which a projection computes and hands over its sum."""
    if bounds is None:
        return np.float64, np.dtype(graph.dtype).type
    exact = np.float32 if bounds[node.name] < EXACT_FLOAT32 else np.float64
    return exact, exact


def _conv(node: Node, shape: tuple[int, ...], weight: Array) -> Compute:
    """A convolution as a gather of the padded input followed by one matrix product per group."""
    assert isinstance(node.op, Conv)
    op, groups, out = node.op, node.op.groups, node.type.shape
    taps = _tap_indices(op, shape, weight.shape[2:], out[1:])
    matrix = weight.reshape(groups, weight.shape[0] // groups, -1)
    margin = [(0, 0), *((pad, pad) for pad in op.padding)]

    def run(x: Array) -> Array:
        flat = np.pad(x.reshape(shape), margin).reshape(groups, shape[0] // groups, -1)
        columns = flat[:, :, taps].reshape(groups, matrix.shape[2], -1)
        return (matrix @ columns).reshape(1, 1, *out)

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
