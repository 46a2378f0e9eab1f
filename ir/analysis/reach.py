"""What lies before and behind some values of a graph, around its loops too, and whether that is spikes alone."""

from __future__ import annotations

from collections.abc import Iterable, Set

from ir.graph import Graph

LINEAR = frozenset({"batch_norm", "scale", "offset", "subtract", "add", "time_weight", "time_offset"})
"""Operations that are neither projections nor routing, and linear in what they read."""


def downstream(graph: Graph, roots: Iterable[str], without: Set[str] = frozenset()) -> set[str]:
    """The roots and all that is computed from them, on ways that lead past `without`."""
    reached = set(roots)
    while True:
        for node in graph.nodes.values():
            if not reached.isdisjoint(node.inputs) and node.name not in without:
                reached.add(node.name)
        closed = {node.name for node in graph.loops if not reached.isdisjoint(node.reads)}
        if closed <= reached:
            return reached
        reached |= closed


def upstream(graph: Graph, roots: Iterable[str], within: Set[str] | None = None) -> set[str]:
    """The roots and all that they are computed from, as far as it is `within`."""
    reached, stack = set[str](), list(roots)
    while stack:
        node = graph.nodes[stack.pop()]
        if node.name not in reached and (within is None or node.name in within):
            reached.add(node.name)
            stack.extend(node.reads)
    return reached


def made_of_spikes(graph: Graph, name: str) -> bool:
    """
    Whether a value is spikes, or a linear map of spikes and constants, so that gates before the synapses can switch it.

    Payloads, and counts from outside, are none.
    """
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
