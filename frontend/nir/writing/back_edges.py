"""Whether a reader of NIR delays a loop where it is meant: at the back edge that a depth-first search finds."""

from __future__ import annotations

from collections.abc import Collection

import nir
import numpy as np

from frontend.nir.meaning.projections import is_homogeneous
from frontend.nir.meaning.recurrence import lags
from frontend.nir.reading.reader import network_of
from frontend.nir.writing.allowed_semantics import CANONICAL
from ir.errors import CompileError


def are_read_late(graph: nir.NIRGraph, late: Collection[tuple[str, str]]) -> bool:
    """
    Whether the canonical reading of a graph delays exactly the edges `late` by one step.

    A delay before a node that only adds and weights is the same as one behind it.
    """
    try:
        network = network_of(graph)
    except CompileError:
        return False
    delays = {name: int(np.min(node.params["delay"])) for name, node in network.nodes.items() if node.kind == "Delay"}
    read = lags(network, CANONICAL, delays)
    extra = [read.lag[k] - int(edge in late) - read.moved.get(edge[1], 0) for k, edge in enumerate(network.edges)]
    edges = [(start, end, steps) for (start, end), steps in zip(network.edges, extra, strict=True)]
    shift = {name: 0 for name, node in network.nodes.items() if not is_homogeneous(node)}
    _spread(shift, edges)
    return all(shift.get(end, 0) - shift.get(start, 0) == steps for start, end, steps in edges)


def _spread(shift: dict[str, int], edges: Collection[tuple[str, str, int]]) -> None:
    """Complete node -> steps by which the reader has its value late, along edges with so many steps too many."""
    both_ways = [(a, b, s) for start, end, steps in edges for a, b, s in ((start, end, steps), (end, start, -steps))]
    changed = True
    while changed:
        changed = False
        for name, neighbour, steps in both_ways:
            if name in shift and neighbour not in shift:
                shift[neighbour], changed = shift[name] + steps, True
