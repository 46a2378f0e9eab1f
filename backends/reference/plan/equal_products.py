"""
Projections that do the same with the same value, as the readers of a residual sum of currents each have one: a product is
computed once for all of them, and events are counted once.

    %a = lif(%w), %w = linear(%s, weight=@W)                   one product of %s by @W, kept until %b has read it
    %b = lif(%w_copy, %v), %w_copy = linear(%s, weight=@W)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ir.graph import Graph, Node
from ir.ops.linear import Conv


def equal_products(graph: Graph, without: Collection[str]) -> dict[str, str]:
    """Projection -> the first that makes the same current, for all of which there are several; `without` some."""
    firsts: dict[object, list[Node]] = {}
    first_of: dict[str, str] = {}
    for node in graph.nodes.values():
        if node.param("weight") is None or node.op.family != "projection" or node.name in without:
            continue
        alike = firsts.setdefault((node.op, node.inputs), [])
        first = next((each for each in alike if _same_weight(graph, each, node)), node)
        if first is node:
            alike.append(node)
        first_of[node.name] = first.name
    several = {first for name, first in first_of.items() if first != name}
    return {name: first for name, first in first_of.items() if first in several}


def equal_events(graph: Graph, counted: Collection[str]) -> Mapping[str, str]:
    """Convolution -> an earlier one by as many kernels of as many taps of the same value: it has as many events."""
    firsts: dict[object, str] = {}
    kernels = (node for node in graph.nodes.values() if isinstance(node.op, Conv) and node.name in counted)
    first_of = {
        node.name: firsts.setdefault((node.op, node.inputs, graph.arrays(node)["weight"].shape), node.name)
        for node in kernels
    }
    return {name: first for name, first in first_of.items() if first != name}


def _same_weight(graph: Graph, a: Node, b: Node) -> bool:
    one, other = (graph.arrays(node)["weight"] for node in (a, b))
    return one is other or (one.dtype == other.dtype and np.array_equal(one, other))
