"""Which populations must be computed together: those of one loop, which read each other within a step."""

from __future__ import annotations

import networkx as nx

from backends.lava.timing import Timing
from ir.analysis.fan_in import fan_in_cone, populations
from ir.graph import Graph


def groups_of(graph: Graph, timing: Timing) -> list[tuple[str, ...]]:
    """The populations in graph order, those of one loop together (at the place of the first)."""
    names = [node.name for node in populations(graph)]
    if not graph.loops:
        return [(name,) for name in names]
    joined: nx.Graph[str] = nx.Graph()
    joined.add_nodes_from(names)
    for name in names:
        sources = fan_in_cone(graph, graph.nodes[name].inputs, back_edges=True).sources
        joined.add_edges_from((name, source) for source in sources if timing.depth[source] == timing.depth[name])
    group_of = {name: group for group in nx.connected_components(joined) for name in group}
    first = dict.fromkeys(frozenset(group_of[name]) for name in names)
    return [tuple(name for name in names if name in group) for group in first]
