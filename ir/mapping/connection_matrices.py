"""The wiring between one source and one current as explicit integer matrices, one for every delay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ir.analysis.fan_in import FanInCone, fan_in_cone
from ir.analysis.schedule import model_delay
from ir.graph import Array, Graph
from ir.interpreter import run_loop

ELEMENTS_AT_ONCE = 4_000_000
"""Matrix elements evaluated in one go, which bounds the memory (8 bytes each, a few times over)."""


def connection_matrices(graph: Graph, current: str, source: str) -> dict[int, Any]:
    """
    The linear maps from the emission of `source` to `current`: delay in model steps -> scipy sparse int64 (targets, sources).

    The wiring is linear, so it is evaluated on the unit vectors of the source, a block at a time, each of which is there in the
    first step alone. Delays at which nothing arrives are left out.
    """
    from scipy import sparse

    cone = fan_in_cone(graph, (current,), back_edges=True)
    params = {key: graph.params[key].astype(np.int64) for node in cone.nodes for _, key in node.params}
    steps = 1 + sum(model_delay(graph, node) for node in cone.nodes)
    size, targets = graph.nodes[source].type.size, graph.nodes[current].type.size
    length = max(1, ELEMENTS_AT_ONCE // (max(size, targets) * steps))
    blocks: list[list[Any]] = []
    for start in range(0, size, length):
        units = np.eye(min(length, size - start), size, start, np.int64)
        arrived = _arrived(graph, cone, params, (current, source), units, steps)
        blocks.append([sparse.csc_matrix(step.T.astype(np.int64)) for step in arrived])
    matrices = {delay: sparse.hstack(found, format="csr") for delay, found in enumerate(zip(*blocks, strict=True))}
    return {delay: matrix for delay, matrix in matrices.items() if matrix.nnz}


def _arrived(
    graph: Graph, cone: FanInCone, params: Mapping[str, Array], ends: tuple[str, str], units: Array, steps: int
) -> Array:
    """(steps, vectors, targets) of (current, source) = `ends`, for vectors (vectors, sources) in the first step."""
    current, source = ends
    values = {name: np.zeros((steps, len(units), *graph.nodes[name].type.shape), np.int64) for name in cone.sources}
    values[source][0] = units.reshape(values[source].shape[1:])
    if cone.remembers:
        values |= run_loop(cone.nodes, values, params, steps, values[source])
    else:
        for node in cone.nodes:
            arrays = {role: params[key] for role, key in node.params}
            values[node.name] = node.op.run(tuple(values[name] for name in node.inputs), arrays, steps)
    return values[current].reshape(steps, len(units), -1)
