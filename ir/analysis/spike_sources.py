"""What a value is made of: whether spikes alone, so that gates before the synapses can switch it."""

from __future__ import annotations

from ir.graph import Graph

LINEAR = frozenset({"batch_norm", "scale", "offset", "subtract", "add", "time_weight", "time_offset"})
"""Operations that are neither projections nor routing, and linear in what they read."""


def made_of_spikes(graph: Graph, name: str) -> bool:
    """Whether a value is spikes, or a linear map of spikes and constants; payloads, and counts from outside, are none."""
    waiting, visited = [name], set[str]()
    while waiting:
        node = graph.nodes[waiting.pop()]
        if node.name in visited or node.type.domain.kind == "spike":
            continue
        visited.add(node.name)
        linear = node.op.family in ("projection", "routing") or node.op.kind in LINEAR
        if not (linear and node.reads):
            return False
        waiting.extend(node.reads)
    return True
