"""What lies before and behind some values of a graph, around its loops too."""

from __future__ import annotations

from collections.abc import Iterable, Set

from ir.graph import Graph


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
