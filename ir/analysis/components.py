"""The loops among vertices of a directed graph: its strongly connected components, in an order in which they can be computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def components(readers: Mapping[str, Iterable[str]]) -> list[tuple[str, ...]]:
    """
    The strongly connected components of a graph, each before those that it leads to, its members in the graph's order.

    Args:
        readers: every vertex -> the vertices that its edges lead to.
    """
    import networkx as nx  # half a second, and the command line reads the targets for its help

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(readers)
    graph.add_edges_from((name, reader) for name, targets in readers.items() for reader in targets)
    place = {name: index for index, name in enumerate(readers)}
    condensed = nx.condensation(graph)
    members = (condensed.nodes[component]["members"] for component in nx.topological_sort(condensed))
    return [tuple(sorted(names, key=place.__getitem__)) for names in members]
