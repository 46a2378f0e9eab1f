"""
Projections and routing as numpy callables that compute one step, exact by construction.

Integer networks are computed in floating point, whose sums are exact in any order within the proven range: float32 where the
range proof allows it, else float64; linear projections in float32 go by events where few inputs are active. Networks in the
source's arithmetic round once, so that the order of summation does not show: to float32 what was accumulated in float64, and to
float64 what was added without error. Values are (1, lanes, *shape), one step of samples side by side, as the operations expect
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.event_driven.weights import dense_ns, event_weights
from backends.lava.core.contracted_gates import ContractedEmission
from backends.lava.core.convolution import convolution, integer_convolution
from ir.analysis.ranges import fits_float32
from ir.graph import Array, Graph, Node
from ir.ops.exact_product import exact_product, exact_sum
from ir.ops.linear import Conv, Linear, Sum, Synapse

Compute = Callable[..., Array]
"""Operands of one step -> the value of one step."""
FEW = 3
"""Whole numbers up to here are that many events each; larger ones are payloads, multiplied."""


def wiring_instruction(graph: Graph, node: Node, bounds: Mapping[str, int] | None) -> Compute:
    """The callable of a projection or of routing without memory; `bounds` is the range proof, None for a real network."""
    if node.op.family == "routing":
        return _routing(node, bounds)
    working, result = _dtypes(graph, node, bounds)
    if isinstance(node.op, Sum) and bounds is not None:
        return _integer_sum(node.op, working)
    if isinstance(node.op, Linear | Conv) and bounds is not None and working == np.float32:
        weight = graph.arrays(node)["weight"]
        if isinstance(node.op, Linear):
            return integer_linear(weight)
        return integer_convolution(node, graph.args(node)[0].shape, weight)
    params = {role: array.astype(working) for role, array in graph.arrays(node).items()}
    sums = EXACT if bounds is None and result == np.float64 else PLAIN
    compute = _projection(graph, node, params, sums)

    def run(x: Array) -> Array:
        return compute(x.astype(working, copy=False)).astype(result, copy=False)

    return run


def integer_linear(weight: Array) -> Callable[[Array], Array]:
    """
    The callable of weights (outputs, inputs), integers: x (..., inputs) -> (..., outputs) float32.

    x: whole numbers of any dtype. Every sum of magnitudes must be exact in float32.
    """
    floats, events = weight.astype(np.float32), event_weights(weight)
    if events is None:
        return lambda x: dense(x.astype(np.float32, copy=False), floats)
    for dtype in (np.uint8, np.float32):  # compiled now, and not in every process that is forked later
        events.product(np.zeros((1, weight.shape[1]), dtype), np.inf)

    def run(x: Array) -> Array:
        spikes = x.size and x.min() >= 0 and x.max() <= FEW
        values = x.astype(
            np.uint8 if spikes else np.float32, order="C"
        )  # a copy: numba compiles anew for what is read-only
        y = events.product(values, dense_ns(x.size * len(weight), bytewise=False))
        return dense(x.astype(np.float32, copy=False), floats) if y is None else y

    return run


def dense(x: Array, weight: Array) -> Array:
    """One product for all rows of all samples."""
    return (x.reshape(-1, x.shape[-1]) @ weight.T).reshape(*x.shape[:-1], len(weight))


def _projection(graph: Graph, node: Node, params: Mapping[str, Array], sums: Sums) -> Callable[[Array], Array]:
    """A weighted sum in the dtype of its operand."""
    op, weight = node.op, params.get("weight")
    if isinstance(op, Sum):
        axes = tuple(axis + 2 for axis in op.axes)
        return lambda x: _times(sums.over(x, axes), op.weight)
    if isinstance(op, Synapse):
        return lambda x: _times(x, op.weight)
    assert weight is not None
    if isinstance(op, Linear):
        return lambda x: sums.product(x, weight)
    return convolution(node, graph.args(node)[0].shape, weight, sums.products)


def _integer_sum(op: Sum, working: Any) -> Compute:
    """A sum over axes, also of gates that are not materialised."""
    axes = tuple(axis + 2 for axis in op.axes)

    def run(x: Array | ContractedEmission) -> Array:
        if isinstance(x, ContractedEmission):
            return _times(x.summed(axes, working), op.weight)
        return _times(x.astype(working, copy=False).sum(axis=axes, keepdims=True), op.weight)

    return run


def _times(x: Array, weight: float) -> Array:
    return x if weight == 1 else x * weight


@dataclass(frozen=True)
class Sums:
    """A way of adding up."""

    over: Callable[[Array, tuple[int, ...]], Array]
    """A sum over axes, kept with length 1."""
    product: Callable[[Array, Array], Array]
    """x (..., I) and weight (O, I) -> (..., O)."""
    products: Callable[[Array, Array], Array]
    """Weights (G, O, K) and columns (G, K, P) -> (G, O, P)."""


def _exact_products(weights: Array, columns: Array) -> Array:
    return np.stack([exact_product(x.T, w).T for w, x in zip(weights, columns, strict=True)])


PLAIN = Sums(lambda x, axes: x.sum(axis=axes, keepdims=True), dense, np.matmul)
EXACT = Sums(exact_sum, exact_product, _exact_products)


def _routing(node: Node, bounds: Mapping[str, int] | None) -> Compute:
    """Routing as it is; a sum of integers that float32 might round is added in float64."""
    if bounds is not None and not fits_float32(bounds[node.name]):
        return lambda *args: node.op.run(tuple(arg.astype(np.float64) for arg in args), {}, 1)
    return lambda *args: node.op.run(args, {}, 1)


def _dtypes(graph: Graph, node: Node, bounds: Mapping[str, int] | None) -> tuple[Any, Any]:
    """The dtypes in which a projection computes and hands over its sum."""
    if bounds is None:
        return np.float64, np.dtype(graph.dtype).type
    exact = np.float32 if fits_float32(bounds[node.name]) else np.float64
    return exact, exact
