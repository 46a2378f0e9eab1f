"""
NIR graphs as they are in a file or in memory, before anything about their meaning is checked.

`frontend.nir.reading.load` reads files; graphs in memory are read here, through the attributes of nir's classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import nir

from frontend.names import utf8_text
from frontend.nir.reading.values import as_array
from frontend.type_guards import is_mapping, is_scalar
from ir.errors import CompileError
from ir.graph import Array

MAX_DEPTH = 32
"""Subgraphs in subgraphs."""
MAX_NODES = 1_000_000
"""Nodes of all subgraphs together."""
MAX_EDGES = 1_000_000
"""Edges of a graph, and of all together once its subgraphs are resolved."""
DERIVED = ("input_type", "output_type", "metadata")
"""Attributes that nir computes from the parameters, or that are no parameters."""


@dataclass(frozen=True, eq=False)
class RawNode:
    """A node as it says itself to be."""

    kind: str
    """The name of its class in NIR."""
    fields: Mapping[str, Any]
    """Name -> array, string, number or dictionary."""
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, eq=False)
class RawGraph:
    """A graph of nodes and subgraphs."""

    nodes: Mapping[str, RawNode | RawGraph]
    edges: tuple[tuple[str, str], ...]
    """As written, port subscripts included."""
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    version: str = ""
    """The version of nir that wrote the file; "" where that is not known."""


def raw_graph(graph: nir.NIRGraph, depth: int = 0) -> RawGraph:
    """
    The raw graph of a graph in memory; its arrays are shared, not copied.

    Raises:
        CompileError: for graphs that contain themselves, and entries that are neither nodes nor pairs of names.
    """
    if depth > MAX_DEPTH:
        raise CompileError("nir.depth", f"graphs are nested more than {MAX_DEPTH} deep")
    if len(graph.edges) > MAX_EDGES:
        raise CompileError("nir.size", f"a graph has more than {MAX_EDGES:,} edges")
    nodes = {utf8_text(name): _raw_item(graph.nodes[name], depth) for name in sorted(graph.nodes, key=str)}
    return RawGraph(nodes, tuple(_edge(edge) for edge in graph.edges), plain_metadata(graph.metadata or {}))


def _edge(edge: Any) -> tuple[str, str]:
    if isinstance(edge, str) or len(edge) != 2:
        raise CompileError("nir.edge", f"the edge {edge!r} is not a pair of names")
    return utf8_text(edge[0]), utf8_text(edge[1])


def _raw_item(node: Any, depth: int) -> RawNode | RawGraph:
    """The node or the subgraph that an object of nir is."""
    if isinstance(node, nir.NIRGraph):
        return raw_graph(node, depth + 1)
    if not isinstance(node, nir.NIRNode):
        return RawNode(type(node).__name__, {})
    entries = {item.name: getattr(node, item.name) for item in fields(node) if item.name not in DERIVED}
    if isinstance(node, nir.Input | nir.Flatten):
        entries["input_type"] = _only(node.input_type)
    if isinstance(node, nir.Output):
        entries["output_type"] = _only(node.output_type)
    stated = {name: value for name, value in entries.items() if value is not None}
    return RawNode(type(node).__name__, stated, plain_metadata(node.metadata or {}))


def _only(types: dict[str, Array] | Array | None) -> Array | None:
    """The one shape in a dictionary of shapes by port."""
    return next(iter(types.values()), None) if isinstance(types, dict) else types


def plain_metadata(entries: Mapping[Any, Any], depth: int = 0) -> dict[str, Any]:
    """
    Metadata in the same plain types whether it comes from a file or from memory.

    Raises:
        CompileError: for dictionaries that are nested without end.
    """
    if depth > MAX_DEPTH:
        raise CompileError("nir.depth", f"metadata is nested more than {MAX_DEPTH} deep")
    return {utf8_text(key): _plain(value, depth) for key, value in entries.items()}


def _plain(value: Any, depth: int) -> Any:
    """One value of the metadata."""
    if is_mapping(value):
        return plain_metadata(value, depth + 1)
    if is_scalar(value):
        value = value.item()
    if isinstance(value, bytes):
        return utf8_text(value)
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    array = as_array(value)
    if array.dtype.kind in "OSU":
        return _texts(array) if array.ndim else str(value)
    return array.item() if array.ndim == 0 else array


def _texts(array: Any) -> tuple[Any, ...]:
    return tuple(utf8_text(item) if array.ndim == 1 else _texts(item) for item in array)
