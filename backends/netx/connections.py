"""The wiring between two values as an explicit integer matrix: routing and projections are linear, so unit vectors tell all."""

from __future__ import annotations

from typing import Any

import numpy as np

from ir.analysis.fan_in import EMITTERS, walk
from ir.graph import Array, Graph
from ir.ops.over_time.delay import Delay, Past

ELEMENTS_AT_ONCE = 4_000_000
"""Matrix elements evaluated in one go, which bounds the memory (8 bytes each, a few times over)."""


def leaves(graph: Graph, value: str) -> tuple[str, ...]:
    """What a value is a linear map of within one step, in graph order: populations, inputs, and values of earlier steps."""
    return tuple(name for name in _cone(graph, value) if _is_leaf(graph, name))


def connection_matrix(graph: Graph, value: str, source: str) -> Any:
    """
    The linear map from one of its leaves, `source`, to `value`: scipy sparse int64 (targets, sources).

    It is evaluated on the unit vectors of the source, a block at a time.
    """
    from scipy import sparse

    size, targets = graph.nodes[source].type.size, graph.nodes[value].type.size
    length = max(1, ELEMENTS_AT_ONCE // max(size, targets))
    blocks: list[Any] = []
    for start in range(0, size, length):
        units = np.eye(min(length, size - start), size, start)
        blocks.append(sparse.csc_matrix(_evaluate(graph, value, source, units).T.astype(np.int64)))
    return sparse.hstack(blocks, format="csr")


def _evaluate(graph: Graph, value: str, source: str, units: Array) -> Array:
    """(vectors, sources) -> (vectors, targets), all other leaves silent."""
    values: dict[str, Array] = {}
    for name in _cone(graph, value):
        node = graph.nodes[name]
        if name == source:
            values[name] = units.reshape(1, len(units), *node.type.shape)
        elif _is_leaf(graph, name):
            values[name] = np.zeros((1, len(units), *node.type.shape))
        else:
            params = {role: array.astype(np.float64) for role, array in graph.arrays(node).items()}
            values[name] = node.op.run(tuple(values[operand] for operand in node.inputs), params, 1)
    return values[value].reshape(len(units), -1)


def _cone(graph: Graph, value: str) -> list[str]:
    """A value's leaves and all between, in graph order."""
    reached = set(walk((value,), lambda name: () if _is_leaf(graph, name) else graph.nodes[name].inputs))
    return [name for name in graph.nodes if name in reached]


def _is_leaf(graph: Graph, name: str) -> bool:
    op = graph.nodes[name].op
    return op.family in EMITTERS or isinstance(op, Delay | Past)
