"""The range proof of a run: how large every integer can become, given the weights, the payload widths and the inputs at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ir.analysis.ranges import magnitudes
from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.types import graded

EXACT_FLOAT32 = 1 << 24
EXACT_FLOAT64 = 1 << 53
"""Sums whose terms' magnitudes stay below are exact in any order."""


def magnitude_bounds(graph: Graph) -> dict[str, int]:
    """Value -> the largest magnitude it can reach, as a sum over its terms; CompileError where float64 would round."""
    bounds = magnitudes(graph)
    for name, bound in bounds.items():
        if bound >= EXACT_FLOAT64:
            what = f"a sum of %{name} can reach {bound}, beyond exact arithmetic"
            where = f"%{name}  {graph.nodes[name].provenance}"
            raise CompileError("lava.range", what, where=where, hint="use smaller weights or payloads")
    return bounds


def with_input_range(graph: Graph, largest: Mapping[str, int]) -> Graph:
    """The graph with its payload inputs narrowed to what they really carry: `largest` magnitude by name."""
    nodes = {name: _narrowed(node, largest) for name, node in graph.nodes.items()}
    return replace(graph, nodes=nodes)


def _narrowed(node: Node, largest: Mapping[str, int]) -> Node:
    if node.name not in largest or node.type.domain.kind != "graded":
        return node
    return replace(node, type=replace(node.type, domain=graded(int(largest[node.name]).bit_length() + 1)))
