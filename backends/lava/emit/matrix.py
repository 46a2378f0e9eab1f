"""The wiring between one source and one current as an explicit integer matrix, in the format of Lava's synapses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.event_driven.eight_bits import common_shift
from ir.analysis.fan_in import fan_in_cone
from ir.graph import Array, Graph

ELEMENTS_AT_ONCE = 4_000_000
"""Matrix elements evaluated in one go, which bounds the memory (8 bytes each, a few times over)."""
SIGNED_TOP, UNSIGNED_TOP = 128, 255
"""Lava clips weights to 0..255 with one sign; with both it keeps even ones from -256 to 254, so w is stored as 2 w."""


@dataclass(frozen=True)
class StoredMatrix:
    """Weights as a Lava process stores them (scipy sparse, targets x sources), its sign mode, and the shift of the sum."""

    weights: Any
    sign: str
    exponent: int


def connection_matrix(graph: Graph, current: str, source: str) -> Any:
    """
    The linear map from the emission of `source` to `current`: scipy sparse int64 (targets, sources).

    The wiring is linear, so it is evaluated on the unit vectors of the source, a block at a time.
    """
    from scipy import sparse

    size, targets = graph.nodes[source].type.size, graph.nodes[current].type.size
    length = max(1, ELEMENTS_AT_ONCE // max(size, targets))
    blocks: list[Any] = []
    for start in range(0, size, length):
        units = np.eye(min(length, size - start), size, start)
        blocks.append(sparse.csc_matrix(_evaluate(graph, current, source, units).T.astype(np.int64)))
    return sparse.hstack(blocks, format="csr")


def _evaluate(graph: Graph, current: str, source: str, units: Array) -> Array:
    """(vectors, sources) -> (vectors, targets), all other sources silent."""
    cone = fan_in_cone(graph, (current,))
    values = {name: np.zeros((1, len(units), *graph.nodes[name].type.shape)) for name in cone.sources}
    values[source] = units.reshape(1, len(units), *graph.nodes[source].type.shape)
    for node in cone.nodes:
        params = {role: array.astype(np.float64) for role, array in graph.arrays(node).items()}
        values[node.name] = node.op.run(tuple(values[name] for name in node.inputs), params, 1)
    return values[current].reshape(len(units), -1)


def stored_matrix(weights: Any) -> StoredMatrix | None:
    """The weights in Lava's format without loss, or None where 8 bits and a shared exponent cannot say them."""
    exponent = common_shift(weights.data)
    mantissa = weights.copy()
    mantissa.data = weights.data >> exponent
    low, high = int(mantissa.data.min()), int(mantissa.data.max())
    if low >= 0 or high <= 0:
        sign = "EXCITATORY" if low >= 0 else "INHIBITORY"
        return StoredMatrix(mantissa.astype(np.int32), sign, exponent) if max(-low, high) <= UNSIGNED_TOP else None
    if low < -SIGNED_TOP or high >= SIGNED_TOP:
        return None
    return StoredMatrix((2 * mantissa).astype(np.int32), "MIXED", exponent - 1)
