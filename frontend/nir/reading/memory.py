"""NIR graphs in memory -> raw graphs, through the attributes of nir's classes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import nir

from frontend.nir.reading.raw import MAX_DEPTH, MAX_EDGES, RawGraph, RawNode, plain_metadata, text
from ir.errors import CompileError

DERIVED = ("input_type", "output_type", "metadata")
"""Attributes that nir computes from the parameters, or that are no parameters."""


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
    nodes = {text(name): _item(graph.nodes[name], depth) for name in sorted(graph.nodes, key=str)}
    return RawGraph(nodes, tuple(_edge(edge) for edge in graph.edges), plain_metadata(graph.metadata or {}))


def _edge(edge: Any) -> tuple[str, str]:
    if isinstance(edge, str) or len(edge) != 2:
        raise CompileError("nir.edge", f"the edge {edge!r} is not a pair of names")
    return text(edge[0]), text(edge[1])


def _item(node: Any, depth: int) -> RawNode | RawGraph:
    if isinstance(node, nir.NIRGraph):
        return raw_graph(node, depth + 1)
    if not isinstance(node, nir.NIRNode):
        return RawNode(type(node).__name__, {})
    names = [item.name for item in fields(node) if item.name not in DERIVED]
    found = {name: getattr(node, name) for name in names}
    if isinstance(node, nir.Input | nir.Flatten):
        found["input_type"] = _only(node.input_type)
    if isinstance(node, nir.Output):
        found["output_type"] = _only(node.output_type)
    given = {name: value for name, value in found.items() if value is not None}
    return RawNode(type(node).__name__, given, plain_metadata(node.metadata or {}))


def _only(types: Any) -> Any:
    return next(iter(types.values()), None) if isinstance(types, dict) else types
