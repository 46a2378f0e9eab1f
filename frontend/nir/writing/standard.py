"""
The stateless IR operations that standard NIR can say with exactly the same meaning, as a table; see `populations` for neurons.

What NIR has no node for is a matrix where that is small enough: weights that all tokens share are written once for each of
them, sums and cuts of vectors are matrices of zeros and ones.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import nir
import numpy as np

from frontend.nir.writing.fragments import MAX_COPIES, Chain, NirFragment, factor, full, identity, shifted
from frontend.nir.writing.kernels import conv, is_sayable
from ir.graph import Array, Graph, Node
from ir.ops import Delay, Offset, Scale, Synapse

Rule = Callable[[Graph, Node, bool], "NirFragment | None"]
"""(graph, node, expand) -> the node in standard NIR; `expand` allows weights to be copied. None: NIR cannot say it."""


def _input(graph: Graph, node: Node, expand: bool) -> NirFragment:
    entry = nir.Input(input_type={"input": np.array(node.type.shape, dtype=np.int64)})
    entry.metadata = {"domain": "spike" if node.type.domain.kind == "spike" else "real"}
    return NirFragment((entry,))


def _linear(graph: Graph, node: Node, expand: bool) -> NirFragment | None:
    """NIR has no matrix that is shared by all tokens: leading axes of a weight are matrices of their own."""
    arrays, shape = graph.arrays(node), node.type.shape
    weight, leading = arrays["weight"], shape[:-1]
    if leading and (not expand or prod(leading) * weight.size > MAX_COPIES):
        return None
    matrix = np.broadcast_to(weight, (*leading, *weight.shape)) if leading else weight
    matrix = np.ascontiguousarray(matrix)
    if "bias" not in arrays:
        return NirFragment((nir.Linear(matrix),))
    bias = np.ascontiguousarray(np.broadcast_to(arrays["bias"], shape)) if leading else arrays["bias"]
    return NirFragment((nir.Affine(matrix, bias),))


def _add(graph: Graph, node: Node, expand: bool) -> NirFragment | None:
    return NirFragment(()) if {arg.shape for arg in graph.args(node)} == {node.type.shape} else None


def _subtract(graph: Graph, node: Node, expand: bool) -> NirFragment | None:
    shape = node.type.shape
    if {arg.shape for arg in graph.args(node)} != {shape}:
        return None
    return NirFragment((identity(shape, graph.dtype),), ((), (factor(-1.0, shape, graph.dtype),)))


def _synapse(graph: Graph, node: Node, expand: bool) -> NirFragment:
    assert isinstance(node.op, Synapse)
    weight = node.op.weight
    return NirFragment(() if weight == 1 else (factor(weight, node.type.shape, graph.dtype),))


def _scale(graph: Graph, node: Node, expand: bool) -> NirFragment | None:
    """A factor for all, or for each element; one that makes the value larger has no node."""
    weight = graph.arrays(node).get("weight")
    assert isinstance(node.op, Scale)
    if graph.args(node)[0].shape != node.type.shape:
        return None
    if weight is not None and weight.shape == node.type.shape:
        return NirFragment((nir.Scale(weight),))
    return NirFragment((factor(node.op.factor if weight is None else weight, node.type.shape, graph.dtype),))


def _offset(graph: Graph, node: Node, expand: bool) -> NirFragment | None:
    assert isinstance(node.op, Offset)
    bias = graph.arrays(node).get("bias", np.array(node.op.term))
    return _shift(graph, node, expand, 1.0, bias)


def _negation(graph: Graph, node: Node, expand: bool) -> NirFragment | None:
    return _shift(graph, node, expand, -1.0, np.array(1.0))


def _shift(graph: Graph, node: Node, expand: bool, value: float, bias: Array) -> NirFragment | None:
    if not expand or graph.args(node)[0].shape != node.type.shape:
        return None
    shift = shifted(value, bias, node.type.shape, graph.dtype)
    return None if shift is None else NirFragment((shift,))


def _reshape(graph: Graph, node: Node, expand: bool) -> NirFragment | None:
    before, after = graph.args(node)[0].shape, node.type.shape
    flat = flatten(before, after)
    return None if flat is None else NirFragment((flat,))


def flatten(before: tuple[int, ...], after: tuple[int, ...]) -> nir.NIRNode | None:
    """The Flatten that makes one shape of another; None if it does not merge neighbouring axes."""
    merged = len(before) - len(after)
    for start in range(len(after) if before and merged >= 0 else 0):
        if (*before[:start], prod(before[start : start + merged + 1]), *before[start + merged + 1 :]) == after:
            return nir.Flatten({"input": np.array(before)}, start_dim=start, end_dim=start + merged)
    return None


def _delay(graph: Graph, node: Node, expand: bool) -> NirFragment:
    assert isinstance(node.op, Delay)
    return NirFragment((nir.Delay(full(graph.arrays(node).get("steps", node.op.steps), node.type.shape, graph.dtype)),))


def _routing(graph: Graph, node: Node, expand: bool) -> NirFragment | None:
    """Sums, cuts and joints as matrices, one for each operand: where the result is a vector, or leading axes stay."""
    if not expand or not node.type.shape:
        return None
    branches = [_matrix(graph, node, place) for place in range(len(node.inputs))]
    if any(branch is None for branch in branches):
        return None
    chains = tuple(branch for branch in branches if branch is not None)
    return (
        NirFragment(chains[0]) if len(chains) == 1 else NirFragment((identity(node.type.shape, graph.dtype),), chains)
    )


def _matrix(graph: Graph, node: Node, place: int) -> Chain | None:
    """The linear map from one operand to the result, found by sending unit vectors through the operation."""
    args, after = graph.args(node), node.type.shape
    before = args[place].shape
    size = args[place].size
    if not before or size * node.type.size > MAX_COPIES:
        return None
    unit = np.eye(size, dtype=graph.dtype).reshape(1, size, *before)
    inputs = tuple(unit if k == place else np.zeros((1, size, *arg.shape), graph.dtype) for k, arg in enumerate(args))
    dense = node.op.run(inputs, graph.arrays(node), 1).reshape(size, -1).T
    if len(after) == 1:
        weight = nir.Linear(np.ascontiguousarray(dense, dtype=graph.dtype))
        flat = flatten(before, (size,))
        return (weight,) if len(before) == 1 or flat is None else (flat, weight)
    if before[:-1] != after[:-1]:
        return None
    tokens = prod(after[:-1])
    blocks = dense.reshape(tokens, after[-1], tokens, before[-1]).transpose(0, 2, 1, 3)
    diagonal = np.eye(tokens, dtype=bool)
    if blocks[~diagonal].any():  # a token reads another one
        return None
    return (nir.Linear(np.ascontiguousarray(blocks[diagonal].reshape(*after, before[-1]), dtype=graph.dtype)),)


STANDARD: dict[str, Rule] = {
    "input": _input,
    "linear": _linear,
    "conv": lambda graph, node, expand: conv(graph, node, expand) if node.type.shape and is_sayable(node) else None,
    "add": _add,
    "subtract": _subtract,
    "synapse": _synapse,
    "scale": _scale,
    "offset": _offset,
    "not": _negation,
    "reshape": _reshape,
    "delay": _delay,
    **dict.fromkeys(("sum", "slice", "concat", "expand", "permute", "gather", "pad"), _routing),
}
"""IR kind -> its rule; what is not here has none."""
