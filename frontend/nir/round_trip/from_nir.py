"""NIR graphs that `to_nir` made -> IR graph: the round trip returns an equal graph. Others: `frontend.nir.import_nir`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import nir
import numpy as np

from frontend.nir.round_trip.ext import FORMAT_VERSION
from frontend.nir.round_trip.record import GENERATOR, recorded_graph
from frontend.nir.round_trip.to_nir import to_nir
from ir.errors import CompileError
from ir.graph import Graph


def from_nir(graph: nir.NIRGraph) -> Graph:
    """
    The IR graph that a NIR graph of ours holds, exactly (`is_own`).

    Raises:
        CompileError: for other versions of the format, and nodes that contradict the record.
    """
    version = graph.metadata.get("format_version")
    if version != FORMAT_VERSION:
        raise CompileError(
            "nir.version", f"the graph has format version {version}, this compiler reads {FORMAT_VERSION}"
        )
    try:
        read = recorded_graph(graph.metadata, graph.nodes)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise CompileError("nir.record", f"the graph's record is damaged: {error!r}", hint="write it again") from error
    _check_unchanged(to_nir(read), graph)
    return read


def is_own(metadata: Mapping[str, Any]) -> bool:
    """Whether `to_nir` made the graph with this metadata, extension nodes and all."""
    return metadata.get("generator") == GENERATOR


def _check_unchanged(made: nir.NIRGraph, found: nir.NIRGraph) -> None:
    """The nodes must still say what the record says, whoever edited the file in between."""
    odd = sorted(made.nodes.keys() ^ found.nodes.keys())
    odd += [name for name in made.nodes if name in found.nodes and not _equal(made.nodes[name], found.nodes[name])]
    odd += [" -> ".join(edge) for edge in sorted(set(made.edges) ^ set(found.edges))]
    if odd:
        raise CompileError(
            "nir.changed",
            f"node {odd[0]} contradicts the operations recorded in the file",
            hint="it was changed after this compiler wrote it; remove the record to read the nodes",
        )


def _equal(made: nir.NIRNode, found: nir.NIRNode) -> bool:
    if type(made) is not type(found):
        return False
    return _same({**made.to_dict(), "metadata": 0}, {**found.to_dict(), "metadata": 0})


def _same(made: Any, found: Any) -> bool:
    if isinstance(made, dict):
        left, right = cast("dict[str, Any]", made), cast("dict[str, Any]", found)
        return isinstance(found, dict) and left.keys() == right.keys() and all(_same(left[k], right[k]) for k in left)
    return made is found or np.array_equal(made, found) or _same_but_for_nan(made, found)


def _same_but_for_nan(made: Any, found: Any) -> bool:
    """The slower comparison, which only arrays with NaN need."""
    return getattr(getattr(made, "dtype", None), "kind", "") == "f" and np.array_equal(made, found, equal_nan=True)
