"""What lies between populations: the projections and routing that turn the emissions of some populations into one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ir.graph import Graph, Node
from ir.ops.over_time.delay import Delay, Past

EMITTERS = ("neuron", "input")
"""Families whose values are emitted once per step; everything else is wiring."""


@dataclass(frozen=True)
class FanInCone:
    """The wiring behind some values."""

    nodes: tuple[Node, ...]
    """Projections and routing, in graph order."""
    sources: tuple[str, ...]
    """The populations and inputs that it starts from, in graph order."""

    @property
    def remembers(self) -> bool:
        """Whether the wiring holds values of earlier steps."""
        return any(isinstance(node.op, (Delay, Past)) for node in self.nodes)


def fan_in_cone(graph: Graph, roots: Sequence[str], back_edges: bool = False) -> FanInCone:
    """
    The cone of the values `roots`: every node back to, and without, the emitting nodes.

    With `back_edges` it goes on behind a back edge to what that repeats; without, a back edge is a leaf.
    """

    def behind(name: str) -> Iterable[str]:
        node = graph.nodes[name]
        if node.op.family in EMITTERS:
            return ()
        return node.reads if back_edges else node.inputs

    reached = set(walk(roots, behind))
    nodes = [node for name, node in graph.nodes.items() if name in reached]
    return FanInCone(
        tuple(node for node in nodes if node.op.family not in EMITTERS),
        tuple(node.name for node in nodes if node.op.family in EMITTERS),
    )


def walk(roots: Sequence[str], neighbours: Callable[[str], Iterable[str]]) -> list[str]:
    """All that `roots` lead to, themselves included, each once: depth first, neighbours in their order."""
    visited: dict[str, None] = {}
    stack = list(reversed(roots))
    while stack:
        name = stack.pop()
        if name not in visited:
            visited[name] = None
            stack.extend(reversed(list(neighbours(name))))
    return list(visited)


def populations(graph: Graph) -> tuple[Node, ...]:
    """The neuron nodes, in graph order."""
    return tuple(node for node in graph.nodes.values() if node.op.family == "neuron")


def projections(graph: Graph) -> tuple[Node, ...]:
    """The projection nodes, in graph order."""
    return tuple(node for node in graph.nodes.values() if node.op.family == "projection")
