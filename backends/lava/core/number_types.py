"""
The number types of a run: what is emitted, sent between processes and handed over in a trace.

An integer network's values are whole numbers, kept in floating point inside a core and sent as int32; a network in the
source's own arithmetic keeps the source's type everywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ir.graph import Graph, Node
from ir.types import Type

FLOAT32_PAYLOAD_BITS = 25
"""Payloads of up to this many bits (sign included) are exact in float32."""


def port_dtype(graph: Graph) -> Any:
    """The number type of messages between processes."""
    return np.int32 if graph.is_integer else np.dtype(graph.dtype).type


def emission_dtype(graph: Graph, node: Node) -> Any:
    """The type of an emitted value: the source's, else float32, or float64 for payloads that float32 would round."""
    if not graph.is_integer:
        return np.dtype(graph.dtype).type
    wide = node.type.domain.kind == "graded" and node.type.domain.bound > FLOAT32_PAYLOAD_BITS
    return np.float64 if wide else np.float32


def trace_dtype(graph: Graph, type_: Type) -> Any:
    """The type in which a trace hands over a value: uint8 spikes and counts, int32 integers, the source's for payloads."""
    if type_.domain.kind in ("spike", "count"):
        return np.uint8
    return np.int32 if graph.is_integer else np.dtype(graph.dtype).type
