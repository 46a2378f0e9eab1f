"""
NIR files in nir's own classes: written whole or not at all, read with our own reader.

Other programs' files are read by `frontend.nir.reading`; here are those that we wrote, with extension nodes and a record of the
IR, and the writing of both kinds.
"""

from __future__ import annotations

import io
import os
from glob import escape
from pathlib import Path
from typing import Any

import nir
import numpy as np

from frontend.nir.reading.load import load
from frontend.nir.reading.raw import RawGraph, RawNode
from frontend.nir.round_trip.extension import Extension
from frontend.type_guards import is_array
from ir.errors import CompileError
from ir.graph import Array


def write_nir(graph: nir.NIRGraph, path: str | Path) -> None:
    """
    Write a graph as a NIR file (HDF5); an existing file is replaced only when the new one is complete.

    Raises:
        CompileError: for an empty graph, names that a file cannot hold, and a path that cannot be written.
    """
    path = Path(path)
    if not graph.nodes:
        raise CompileError("nir.empty", "an empty graph cannot be written", where=str(path))
    for name in graph.nodes:
        if not name or not name.isascii() or "/" in name or name in (".", ".."):
            raise CompileError(
                "nir.name", f"{name!r} cannot be a name in a NIR file", where=str(path), hint="ASCII without '/'"
            )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _sweep(path)
        whole = io.BytesIO()  # on a full disk HDF5 itself fails again at every handle it closes, and says so each time
        nir.write(whole, graph, **_compression(graph))
        temporary.write_bytes(whole.getbuffer())
        os.replace(temporary, path)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        what = getattr(error, "strerror", None) or error
        raise CompileError("nir.write", f"cannot write: {what}", where=str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove what processes left that were killed while they wrote the file."""
    for left in path.parent.glob(f".{escape(path.name)}.*.part"):
        process = left.suffixes[-2].removeprefix(".")
        if process.isdecimal() and not _lives(int(process)):
            left.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)  # no signal: it only asks
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's, or a file of another name
        return True
    return True


def _compression(graph: nir.NIRGraph) -> dict[str, Any]:
    """
    gzip for block-diagonal matrices; dense weights do not get smaller by it, only ten times slower to write.

    Nor where there are arrays without axes: HDF5 cannot compress these, and nir compresses everything or nothing.
    """
    if _has_scalars(graph):
        return {"compression": None}
    matrices: list[Array] = [node.weight for node in graph.nodes.values() if isinstance(node, nir.Linear | nir.Affine)]
    elements = sum(matrix.size for matrix in matrices)
    zeros = elements - sum(int(np.count_nonzero(matrix)) for matrix in matrices)
    return {"compression": "gzip", "compression_opts": 1} if 2 * zeros > elements else {"compression": None}


def _has_scalars(graph: nir.NIRGraph) -> bool:
    """Whether some array has no axes."""
    for node in graph.nodes.values():
        if isinstance(node, nir.NIRGraph):
            if _has_scalars(node):
                return True
        else:
            fields = {**vars(node), **(node.params if isinstance(node, Extension) else {})}
            if any(isinstance(value, np.ndarray) and value.ndim == 0 for value in fields.values()):
                return True
    return False


def read_nir(path: str | Path) -> nir.NIRGraph:
    """
    Read a NIR file into nir's own classes, extension nodes included, without type checks: for files that we wrote.

    Raises:
        CompileError: for a file that does not exist, is no NIR file, or holds nodes that cannot be built.
    """
    return nir_graph(load(path), str(path))


def nir_graph(graph: RawGraph, path: str) -> nir.NIRGraph:
    """
    A raw graph in nir's own classes; `path` is for the messages.

    Raises:
        CompileError: for nodes that cannot be built and edges to nodes that do not exist.
    """
    nodes = {name: _node(item, name, path) for name, item in graph.nodes.items()}
    dangling = [edge for edge in graph.edges if edge[0] not in nodes or edge[1] not in nodes]
    if dangling:
        raise CompileError("nir.edge", f"edge {dangling[0]} names a node that does not exist", where=path)
    return nir.NIRGraph(nodes, list(graph.edges), metadata=dict(graph.metadata), type_check=False)


def _node(item: RawNode | RawGraph, name: str, path: str) -> Any:
    """A NIR node from its fields; CompileError naming the node where it cannot be built."""
    if isinstance(item, RawGraph):
        return nir_graph(item, path)
    content = {**{key: _value(value) for key, value in item.fields.items()}, "metadata": dict(item.metadata)}
    try:
        if item.kind == "Extension":
            fields: dict[str, Any] = {"params": {}, **content}
            return Extension(**fields)
        if item.kind not in nir.ir.__all__:
            raise CompileError("nir.type", f"node {name} has the unknown type {item.kind!r}", where=path)
        return getattr(nir, item.kind).from_dict({**content, "type": item.kind})
    except (AssertionError, TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
        text = str(error) or type(error).__name__
        raise CompileError("nir.node", f"node {name} is not a valid {item.kind}: {text}", where=path) from error


def _value(value: Any) -> Any:
    """Scalars as nir reads them."""
    return value[()] if is_array(value) else value
