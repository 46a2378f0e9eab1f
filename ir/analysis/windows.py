"""
A graph in terms of another window: values whose T is that of the graph do not say so, all others do.

    graph g steps=4                             graph g steps=8
      %a = lif(%x) : spike[3]             ->      %a = lif(%x) : spike[3] T=4
      %b = lif(%y) : spike[3] T=8                 %b = lif(%y) : spike[3]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ir.graph import Graph


def in_window(graph: Graph, steps: int) -> Graph:
    """The same graph with `steps` for its T: every value keeps the window that it has."""
    if graph.steps == steps:
        return graph
    nodes = {
        name: replace(node, op=node.op.moved(graph.steps, steps), type=node.type.moved(graph.steps, steps))
        for name, node in graph.nodes.items()
    }
    return replace(graph, nodes=nodes, steps=steps)


def windows_of_neurons(graph: Graph) -> Mapping[str, int]:
    """Population -> T of its window, in the graph's order."""
    return {n.name: n.type.steps or graph.steps for n in graph.nodes.values() if n.op.family == "neuron"}
