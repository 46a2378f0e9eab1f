"""
Our own front door for NIR: files and graphs in memory -> a validated, flat network with all shapes.

Both ways go through the same checks (`frontend.nir.reading.build`); nothing valid is refused, nothing defective accepted. What
a file does not say (time step, integrator, kind of reset) is not decided here.
"""

from __future__ import annotations

from pathlib import Path

import nir

from frontend.nir.reading.build import network
from frontend.nir.reading.load import load
from frontend.nir.reading.memory import raw_graph
from frontend.nir.reading.network import NirNetwork
from ir.errors import CompileError


def read_network(path: str | Path) -> NirNetwork:
    """
    The network in a NIR file.

    Raises:
        CompileError: naming the file, and the node and edge where there is one.
    """
    return network(load(path), str(path))


def network_of(graph: nir.NIRGraph) -> NirNetwork:
    """
    The network of a NIR graph in memory, which is left as it is.

    Raises:
        CompileError: naming the node and edge that is wrong.
    """
    try:
        raw = raw_graph(graph)
    except (AttributeError, TypeError, ValueError) as error:
        raise CompileError("nir.parameter", f"the graph is not built as nir builds it: {error}") from error
    return network(raw, "")
