"""Whether a reader of NIR delays a loop where it is meant: at the back edge that a depth-first search finds."""

from __future__ import annotations

from collections.abc import Collection

import nir
import numpy as np

from frontend.nir.meaning.projections import is_homogeneous
from frontend.nir.meaning.recurrence import lags
from frontend.nir.reading.reader import network_of
from frontend.nir.writing.read_as import CANONICAL
from ir.errors import CompileError


def are_found(graph: nir.NIRGraph, late: Collection[tuple[str, str]]) -> bool:
    """
    Whether the canonical reading of a graph delays exactly the edges `late` by one step.

    A delay before a node that only adds and weights is the same as one behind it.
    """
    try:
        network = network_of(graph)
    except CompileError:
        return False
    delays = {name: int(np.min(node.params["delay"])) for name, node in network.nodes.items() if node.kind == "Delay"}
    found = lags(network, CANONICAL, delays)
    extra = [found.lag[k] - int(edge in late) - found.cut.get(edge[1], 0) for k, edge in enumerate(network.edges)]
    moved = {name: 0 for name, node in network.nodes.items() if not is_homogeneous(node)}
    changed = True
    while changed:
        changed = False
        for (start, end), more in zip(network.edges, extra, strict=True):
            for known, other, steps in ((start, end, more), (end, start, -more)):
                if known in moved and other not in moved:
                    moved[other], changed = moved[known] + steps, True
    return all(
        moved.get(end, 0) - moved.get(start, 0) == more for (start, end), more in zip(network.edges, extra, strict=True)
    )
