"""The order in which the reference computes a graph: everything all steps at once, loops (and only they) step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ir.analysis.components import components
from ir.graph import Graph, Node


@dataclass(frozen=True)
class LoopBlock:
    """One loop, which runs step by step."""

    nodes: tuple[Node, ...]
    """The nodes of the loop, each after its operands."""
    outside: tuple[str, ...]
    """What they read from elsewhere, at every step."""

    @property
    def names(self) -> frozenset[str]:
        """The values that the loop computes."""
        return frozenset(node.name for node in self.nodes)


def ordered(graph: Graph) -> tuple[tuple[str, ...], tuple[LoopBlock, ...]]:
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
    blocks: list[LoopBlock] = []
    place = {name: index for index, name in enumerate(graph.nodes)}
    for members in components(readers):
        names = sorted(members, key=place.__getitem__)
        order += names
        if len(names) > 1:
            blocks.append(_block(graph, names))
    return tuple(order), tuple(blocks)


def _block(graph: Graph, names: Sequence[str]) -> LoopBlock:
    nodes = tuple(graph.nodes[name] for name in names)
    inside = set(names)
    outside = dict.fromkeys(source for node in nodes for source in node.inputs if source not in inside)
    return LoopBlock(nodes, tuple(outside))
