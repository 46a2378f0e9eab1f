"""
NIR files: written whole or not at all, read with our own reader.

`nir.read` knows its own node types only, follows links into other files, and reports what it does not like by bare
assertions; the reader here checks sizes and structure before it reads data, and names the node that is wrong.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, cast

import h5py
import nir
import numpy as np

from frontend.nir_ext import Extension
from ir.errors import CompileError

MAX_DEPTH = 16
MAX_BYTES = 8 << 30
"""Files whose arrays would take more memory than this are refused."""


def write_nir(graph: nir.NIRGraph, path: str | Path) -> None:
    """
    Write a graph as a NIR file (HDF5); an existing file is replaced only when the new one is complete.

    Raises:
        CompileError: for an empty graph, names that a file cannot hold, and a path that cannot be written.
    """
    path = Path(path)
    if not graph.nodes:
        raise CompileError("nir.empty", "an empty graph cannot be written", str(path))
    for name in graph.nodes:
        if not name or not name.isascii() or "/" in name or name in (".", ".."):
            raise CompileError("nir.name", f"{name!r} cannot be a name in a NIR file", str(path), "ASCII without '/'")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        whole = io.BytesIO()  # on a full disk HDF5 itself fails again at every handle it closes, and says so each time
        nir.write(cast("Any", whole), graph, **_compression(graph))
        temporary.write_bytes(whole.getbuffer())
        os.replace(temporary, path)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        what = getattr(error, "strerror", None) or error
        raise CompileError("nir.write", f"cannot write: {what}", str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _compression(graph: nir.NIRGraph) -> dict[str, Any]:
    """gzip for block-diagonal matrices; dense weights do not get smaller by it, only ten times slower to write."""
    matrices = [node.weight for node in graph.nodes.values() if isinstance(node, nir.Linear | nir.Affine)]
    elements = sum(matrix.size for matrix in matrices)
    zeros = elements - sum(int(np.count_nonzero(matrix)) for matrix in matrices)
    return {"compression": "gzip", "compression_opts": 1} if 2 * zeros > elements else {"compression": None}


def read_nir(path: str | Path) -> nir.NIRGraph:
    """
    Read a NIR file, extension nodes included, without type checks.

    Raises:
        CompileError: for a file that does not exist, is no NIR file, or holds nodes that cannot be built.
    """
    path = Path(path)
    if not path.is_file():
        raise CompileError("nir.file", "no such file", str(path))
    try:
        with h5py.File(path, "r") as file:
            return _read(file, str(path))
    except OSError as error:
        raise CompileError("nir.file", f"not a readable HDF5 file: {error}", str(path)) from error


def _read(file: h5py.File, path: str) -> nir.NIRGraph:
    root = file.get("node")
    if not isinstance(root, h5py.Group):
        raise CompileError("nir.file", "not a NIR file: it has no group 'node'", path)
    _check_size(root, path)
    graph = _node(_content(root, path, 0), "the graph", path)
    if not isinstance(graph, nir.NIRGraph):
        raise CompileError("nir.file", f"holds a {type(graph).__name__}, not a graph", path)
    return graph


def _check_size(root: h5py.Group, path: str) -> None:
    sizes: list[int] = []
    root.visititems(lambda _name, item: sizes.append(item.nbytes) if isinstance(item, h5py.Dataset) else None)
    if sum(sizes) > MAX_BYTES:
        raise CompileError("nir.size", f"declares {sum(sizes):,} bytes of arrays, more than {MAX_BYTES:,}", path)


def _content(group: h5py.Group, path: str, depth: int) -> dict[str, Any]:
    """A group as nested dictionaries; links to other places are refused, they could leave the file or run in circles."""
    if depth > MAX_DEPTH:
        raise CompileError("nir.file", f"groups are nested more than {MAX_DEPTH} deep", path)
    content: dict[str, Any] = {}
    for key in map(str, group):
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise CompileError("nir.file", f"{group.name}/{key} is a link to another place", path)
        item = group[key]
        content[key] = _content(item, path, depth + 1) if isinstance(item, h5py.Group) else _value(item)
    return content


def _value(dataset: Any) -> Any:
    value = dataset[()]
    return value.decode("utf8") if isinstance(value, bytes) else value


def _node(content: dict[str, Any], name: str, path: str) -> Any:
    """A NIR node from its dictionary; CompileError naming the node where it cannot be built."""
    kind = content.get("type")
    try:
        if kind == "NIRGraph":
            return _graph(content, path)
        if kind == "Extension":
            own: dict[str, Any] = {"params": {}, **content}
            del own["type"]
            return Extension(**own)
        if kind not in nir.ir.__all__:
            raise CompileError("nir.node", f"{name} has the unknown type {kind!r}", path)
        return getattr(nir, str(kind)).from_dict(content)
    except (AssertionError, TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
        text = str(error) or type(error).__name__
        raise CompileError("nir.node", f"{name} is not a valid {kind}: {text}", path) from error


def _graph(content: dict[str, Any], path: str) -> nir.NIRGraph:
    nodes = {name: _node(item, name, path) for name, item in content["nodes"].items()}
    edges = [(_text(a), _text(b)) for a, b in np.asarray(content["edges"]).reshape(-1, 2)]
    dangling = [edge for edge in edges if edge[0] not in nodes or edge[1] not in nodes]
    if dangling:
        raise CompileError("nir.edge", f"edge {dangling[0]} names a node that does not exist", path)
    return nir.NIRGraph(nodes, edges, metadata=content.get("metadata", {}), type_check=False)


def _text(value: Any) -> str:
    return value.decode("utf8") if isinstance(value, bytes) else str(value)
