"""
Projections of one population that share their weights, as a residual sum leaves them: W a + W b = W (a + b).

Behind equal routing, too, that is one product of the summed sources, routed once. Only integers allow it without rounding
anew, and only where the sum of the sources is exact; events are counted per projection all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ir.graph import Graph, Node


@dataclass(frozen=True)
class WeightGroup:
    """Operands of a population that one product and one way through routing compute together; often a single one."""

    operand: str
    """The first operand, which stands for all: the product seen through its routing."""
    projections: tuple[str, ...]
    """The projections behind the operands, in order; the operand itself where no projection lies behind it."""


def weight_groups(graph: Graph, operands: Sequence[str]) -> tuple[WeightGroup, ...]:
    """The operands of a population in groups of equal weights, routing and sizes, ordered by the first of each."""
    groups: dict[object, list[str]] = {}
    for place, operand in enumerate(operands):
        node, routes = _behind_plain_routing(graph, operand)
        shared = node.op.family == "projection" and node.param("weight") is not None
        key = (routes, node.op, node.params, graph.args(node)[0].shape) if shared else place
        groups.setdefault(key, []).append(operand)
    return tuple(_group(graph, names) for names in groups.values())


def single_groups(graph: Graph, operands: Sequence[str]) -> tuple[WeightGroup, ...]:
    """Every operand of a population by itself, as arithmetic that rounds needs it."""
    return tuple(_group(graph, [operand]) for operand in operands)


def _group(graph: Graph, operands: Sequence[str]) -> WeightGroup:
    behind = ((operand, _behind_plain_routing(graph, operand)[0]) for operand in operands)
    projections = (node.name if node.op.family == "projection" else operand for operand, node in behind)
    return WeightGroup(operands[0], tuple(projections))


def _behind_plain_routing(graph: Graph, operand: str) -> tuple[Node, tuple[object, ...]]:
    """(what lies behind routing of one operand each, that routing)."""
    node, routes = graph.nodes[operand], list[object]()
    while node.op.family == "routing" and len(node.inputs) == 1:
        routes.append((node.op, node.params))
        node = graph.nodes[node.inputs[0]]
    return node, tuple(routes)
