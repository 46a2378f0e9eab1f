"""
NIR graphs that `to_nir` made -> IR graph: the round trip returns an equal graph, and is refused where it would not.

NIR graphs of other origin: `frontend.nir.import_nir`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import nir
import numpy as np

from frontend.nir.round_trip.extension import FORMAT_VERSION
from frontend.nir.round_trip.record import GENERATOR, graph_from_record
from frontend.nir.round_trip.to_nir import to_nir
from frontend.type_guards import is_mapping
from ir.errors import CompileError
from ir.graph import Array, Graph


def from_nir(graph: nir.NIRGraph) -> Graph:
    """
    The IR graph that a NIR graph of ours holds, exactly (`has_record`).

    Raises:
        CompileError: for other versions of the format, and nodes or metadata that contradict the record.
    """
    read = _recorded(graph)
    _check_unchanged(to_nir(read), graph)
    return read


def _recorded(graph: nir.NIRGraph) -> Graph:
    """The IR graph of the record, as the nodes' arrays complete it."""
    version = graph.metadata.get("format_version")
    if version != FORMAT_VERSION:
        raise CompileError(
            "nir.version", f"the graph has format version {version}, this compiler reads {FORMAT_VERSION}"
        )
    try:
        return graph_from_record(graph.metadata, graph.nodes)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise CompileError("nir.record", f"the graph's record is damaged: {error!r}", hint="write it again") from error


def has_record(metadata: Mapping[str, Any]) -> bool:
    """Whether `to_nir` made the graph with this metadata, extension nodes and all."""
    return metadata.get("generator") == GENERATOR


def through_nir(graph: Graph) -> tuple[Graph, nir.NIRGraph]:
    """
    A graph as it is read back from NIR, and the NIR graph, which thereby holds everything.

    Raises:
        CompileError: where the graph that is read back differs (rule `nir.round_trip`), or cannot be read or written.
    """
    nir_graph = to_nir(graph)
    read = _recorded(nir_graph)
    if read != graph:
        name = _first_difference(graph, read)
        raise CompileError(
            "nir.round_trip",
            f"%{name} of the graph {graph.name} is not read back from NIR as it was written",
            where=graph.nodes[name].provenance.module if name in graph.nodes else "",
            hint="this is a bug of the compiler: please report it with the model",
        )
    return read, nir_graph


def _check_unchanged(expected: nir.NIRGraph, graph: nir.NIRGraph) -> None:
    """Nodes, edges and metadata must still say what the record says, whoever edited the file in between."""
    shared = [name for name in expected.nodes if name in graph.nodes]
    changed = [f"node {name}" for name in sorted(expected.nodes.keys() ^ graph.nodes.keys())]
    changed += [f"node {name}" for name in shared if not _equal(expected.nodes[name], graph.nodes[name])]
    edges = Counter(expected.edges), Counter(graph.edges)
    changed += [f"edge {' -> '.join(edge)}" for edge in sorted((edges[0] - edges[1]) + (edges[1] - edges[0]))]
    stated = expected.metadata.keys() & graph.metadata.keys() - {
        "record",
        "arrays",
        "phases",
    }  # phases depend on the compiler
    changed += [f"metadata {key}" for key in sorted(stated) if expected.metadata[key] != graph.metadata[key]]
    if changed:
        raise CompileError(
            "nir.changed",
            f"{changed[0]} contradicts the operations recorded in the file",
            hint="it was changed after this compiler wrote it; remove the record to read the nodes",
        )


def _equal(a: nir.NIRNode, b: nir.NIRNode) -> bool:
    """Whether two nodes say the same, metadata apart."""
    return type(a) is type(b) and _same({**a.to_dict(), "metadata": 0}, {**b.to_dict(), "metadata": 0})


def _same(a: Any, b: Any) -> bool:
    """Whether two values of fields are equal, number by number."""
    if is_mapping(a):
        return is_mapping(b) and a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    return a is b or np.array_equal(a, b) or _same_but_for_nan(a, b)


def _same_but_for_nan(a: Any, b: Any) -> bool:
    """The slower comparison, which only arrays with NaN need."""
    return getattr(getattr(a, "dtype", None), "kind", "") == "f" and np.array_equal(a, b, equal_nan=True)


def _first_difference(graph: Graph, read: Graph) -> str:
    """The first value in which two graphs differ, parameters included; an output where they share all nodes."""
    for name, node in graph.nodes.items():
        if read.nodes.get(name) != node:
            return name
        for key in (key for _, key in node.params):
            if key not in read.params or not _is_same_array(graph.params[key], read.params[key]):
                return name
    return next((name for name in read.nodes if name not in graph.nodes), next(iter(graph.outputs)))


def _is_same_array(a: Array, b: Array) -> bool:
    return a.dtype == b.dtype and np.array_equal(a, b)
