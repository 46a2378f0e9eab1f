"""The order in which the reference computes a graph: everything all steps at once, loops (and only they) step by step."""

from __future__ import annotations

from dataclasses import dataclass

from ir.analysis.components import components
from ir.graph import Graph, Node


@dataclass(frozen=True)
class Block:
    """
    The nodes of one loop, each after its operands.

    outside: what they read from elsewhere, at every step.
    """

    nodes: tuple[Node, ...]
    outside: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        """The values that the loop makes."""
        return frozenset(node.name for node in self.nodes)


def ordered(graph: Graph) -> tuple[tuple[str, ...], tuple[Block, ...]]:
    """
    (the values in an order in which they can be computed, loops in one piece; the loops in that order).

    A loop is a strongly connected component through its back edges; a back edge that closes none is a delay.
    """
    if not graph.loops:
        return tuple(graph.nodes), ()
    readers: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for node in graph.nodes.values():
        for source in node.reads:
            readers[source].append(node.name)
    order: list[str] = []
    blocks: list[Block] = []
    place = {name: index for index, name in enumerate(graph.nodes)}
    for members in components(readers):
        names = sorted(members, key=place.__getitem__)
        order += names
        if len(names) > 1:
            blocks.append(_block(graph, names))
    return tuple(order), tuple(blocks)


def _block(graph: Graph, names: list[str]) -> Block:
    nodes = tuple(graph.nodes[name] for name in names)
    inside = set(names)
    outside = dict.fromkeys(source for node in nodes for source in node.inputs if source not in inside)
    return Block(nodes, tuple(outside))
