"""NIR graphs that `to_nir` made -> IR graph: the round trip returns an equal graph. Others: `frontend.nir_import`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import nir
import numpy as np

from frontend.nir_ext import FORMAT_VERSION, Extension, recorded_op
from frontend.nir_standard import STANDARD, standard_arrays
from ir.errors import CompileError
from ir.graph import Array, Graph, GraphBuilder, Where


def from_nir(graph: nir.NIRGraph) -> Graph:
    """
    The IR graph that a NIR graph of ours holds, exactly (`is_own`).

    Raises:
        CompileError: for other versions of the format, and nodes whose parameters contradict the operation recorded with
            them.
    """
    entries = graph.metadata
    if entries.get("format_version") != FORMAT_VERSION:
        version = entries.get("format_version")
        raise CompileError(
            "nir.version", f"the graph has format version {version}, this compiler reads {FORMAT_VERSION}"
        )
    try:
        return _own(graph, entries)
    except (KeyError, TypeError, ValueError) as error:
        raise CompileError("nir.record", f"the graph's record is damaged: {error!r}", hint="write it again") from error


def is_own(metadata: Mapping[str, Any]) -> bool:
    """Whether `to_nir` made the graph with this metadata, extension nodes and all."""
    return metadata.get("generator") == "spike-compiler"


def _own(graph: nir.NIRGraph, entries: Mapping[str, Any]) -> Graph:
    """The graph that `to_nir` wrote down in `entries`."""
    builder = GraphBuilder(entries["name"], int(entries["steps"]))
    order = json.loads(entries["order"])
    missing = [name for name in order if name not in graph.nodes]
    if missing:
        raise CompileError("nir.missing", f"the graph lacks the nodes {', '.join(missing)}")
    for name in order:
        _add(builder, name, graph.nodes[name])
    outputs = json.loads(entries["outputs"])
    sources = {target: source for source, target in graph.edges}
    read = builder.build({output: sources[node] for output, node in outputs.items()})
    for name, node in read.nodes.items():
        _check_unchanged(read, name, graph.nodes[name])
        assert node.name == name
    return read


def _add(builder: GraphBuilder, name: str, node: Any) -> None:
    entries: Mapping[str, Any] = node.metadata
    extension = isinstance(node, Extension)
    op, operands = recorded_op(name, vars(node) if extension else entries)
    arrays: Mapping[str, Array] = node.params if extension else standard_arrays(node)
    params = {role: builder.param(key, arrays[role]) for role, key in json.loads(entries["params"]).items()}
    where = Where(entries["module"], tuple(json.loads(entries["passes"])))
    builder.add(op, *operands, name=name, params=params, where=where)


def _check_unchanged(graph: Graph, name: str, node: Any) -> None:
    """A standard node must still say what its record says, whoever edited the file in between."""
    if isinstance(node, Extension):
        return
    made = STANDARD[graph.nodes[name].op.kind](graph, graph.nodes[name])
    assert made is not None
    if type(made) is not type(node) or not _equal(made.to_dict(), node.to_dict()):
        raise CompileError("nir.changed", f"node {name} contradicts the operation recorded with it",
                           hint="its parameters were changed after this compiler wrote them")  # fmt: skip


def _equal(made: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    keys = made.keys() - {"metadata"}
    return keys == found.keys() - {"metadata"} and all(np.array_equal(made[key], found[key]) for key in keys)
