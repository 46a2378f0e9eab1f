"""
The dtypes of a run: of what is emitted, and of what is sent between processes.

An integer network's values are whole numbers, kept in floating point inside a core and sent as int32; a network in the
source's own arithmetic keeps the source's dtype everywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ir.analysis.ranges import emitted_magnitude, fits_float32
from ir.graph import Graph, Node


def port_dtype(graph: Graph) -> Any:
    """The dtype of messages between processes."""
    return np.int32 if graph.is_integer else np.dtype(graph.dtype).type


def emission_dtype(graph: Graph, node: Node) -> Any:
    """The dtype of an emitted value: the source's, else float32, or float64 for payloads that float32 would round."""
    if not graph.is_integer:
        return np.dtype(graph.dtype).type
    wide = node.type.domain.kind == "graded" and not fits_float32(emitted_magnitude(node.type))
    return np.float64 if wide else np.float32
