"""What lies between populations: the projections and routing that turn the emissions of some populations into one value."""

from __future__ import annotations

from dataclasses import dataclass

from ir.graph import Graph, Node

EMITTERS = ("neuron", "input")
"""Families whose values are emitted once per step; everything else is wiring."""


@dataclass(frozen=True)
class Cone:
    """The wiring behind some values: its nodes in graph order, and the populations and inputs that it starts from."""

    nodes: tuple[Node, ...]
    sources: tuple[str, ...]


def cone_of(graph: Graph, roots: tuple[str, ...]) -> Cone:
    """The cone of the values `roots`: every node back to, and without, the emitting nodes."""
    stack, wiring, sources = list(roots), set[str](), set[str]()
    while stack:
        node = graph.nodes[stack.pop()]
        if node.op.family in EMITTERS:
            sources.add(node.name)
        elif node.name not in wiring:
            wiring.add(node.name)
            stack.extend(node.inputs)
    nodes = tuple(node for name, node in graph.nodes.items() if name in wiring)
    return Cone(nodes, tuple(name for name in graph.nodes if name in sources))


def populations(graph: Graph) -> tuple[Node, ...]:
    """The neuron nodes, in graph order."""
    return tuple(node for node in graph.nodes.values() if node.op.family == "neuron")
