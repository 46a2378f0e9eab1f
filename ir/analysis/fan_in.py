"""What lies between populations: the projections and routing that turn the emissions of some populations into one value."""

from __future__ import annotations

from dataclasses import dataclass

from ir.graph import Graph, Node
from ir.ops.delay import Delay, Past

EMITTERS = ("neuron", "input")
"""Families whose values are emitted once per step; everything else is wiring."""


@dataclass(frozen=True)
class FanInCone:
    """The wiring behind some values: its nodes in graph order, and the populations and inputs that it starts from."""

    nodes: tuple[Node, ...]
    sources: tuple[str, ...]

    @property
    def remembers(self) -> bool:
        """Whether the wiring holds values of earlier steps."""
        return any(isinstance(node.op, (Delay, Past)) for node in self.nodes)


def cone_of(graph: Graph, roots: tuple[str, ...], back_edges: bool = False) -> FanInCone:
    """
    The cone of the values `roots`: every node back to, and without, the emitting nodes.

    With `back_edges` it goes on behind a back edge to what that repeats; without, a back edge is a leaf.
    """
    stack, wiring, sources = list(roots), set[str](), set[str]()
    while stack:
        node = graph.nodes[stack.pop()]
        if node.op.family in EMITTERS:
            sources.add(node.name)
        elif node.name not in wiring:
            wiring.add(node.name)
            stack.extend(node.reads if back_edges else node.inputs)
    nodes = tuple(node for name, node in graph.nodes.items() if name in wiring)
    return FanInCone(nodes, tuple(name for name in graph.nodes if name in sources))


def populations(graph: Graph) -> tuple[Node, ...]:
    """The neuron nodes, in graph order."""
    return tuple(node for node in graph.nodes.values() if node.op.family == "neuron")
