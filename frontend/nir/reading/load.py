"""A NIR file -> the raw graph that it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py

from frontend.hdf5.tree import DAMAGE_ERRORS, Tree, is_tree, read_tree
from frontend.hdf5.trial import read_after_trial
from frontend.nir.reading.raw import MAX_DEPTH, MAX_EDGES, RawGraph, RawNode, plain_metadata
from frontend.type_guards import is_array
from ir.errors import CompileError, no_file


def load(path: str | Path) -> RawGraph:
    """
    Read a NIR file (HDF5) into memory; sizes are checked before data is read.

    Raises:
        CompileError: naming the file, for everything that is not a NIR graph.
    """
    path = Path(path)
    try:
        _check_file(path)
        return read_after_trial(path, lambda: _raw_graph(path))
    except CompileError as error:
        raise CompileError(error.rule, error.what, where=str(path), hint=error.hint) from error
    except OSError as error:
        raise CompileError("nir.file", f"cannot be read: {error}", where=str(path)) from error


def _check_file(path: Path) -> None:
    """CompileError for what is no file, and OSError for one that may not be read."""
    if not path.is_file():
        raise CompileError("nir.file", no_file(path))
    if path.stat().st_size == 0:
        raise CompileError("nir.file", "the file is empty")
    with path.open("rb"):
        pass  # a file without permission says so here, HDF5 says it at length


def _raw_graph(path: Path) -> RawGraph:
    """The graph in a file whose bytes make sense."""
    try:
        with h5py.File(path, "r") as file:
            root, version = file.get("node"), _version(file)
            if not isinstance(root, h5py.Group):
                raise CompileError("nir.file", "not a NIR file: it has no group 'node'")
            if not isinstance(file.get("node", getlink=True), h5py.HardLink):
                raise CompileError("nir.link", "its group 'node' is a link to another place")
            tree = read_tree(root, path.stat().st_size)
    except DAMAGE_ERRORS as error:
        raise CompileError("nir.file", f"not a readable HDF5 file: {error}") from error
    if "type" not in tree:
        raise CompileError("nir.file", "not a NIR file, or not written to its end: its group 'node' has no type")
    graph = _item(tree, "at the top", 0)
    if isinstance(graph, RawNode):
        raise CompileError("nir.file", f"holds a {graph.kind}, not a graph", hint="wrap the node into a NIRGraph")
    return RawGraph(graph.nodes, graph.edges, graph.metadata, version)


def _version(file: Any) -> str:
    """The version of nir that wrote the file; "" where it is missing or not a short text: nothing depends on it."""
    item = file.get("version", getlink=True)
    dataset: Any = file["version"] if isinstance(item, h5py.HardLink) else None
    if not isinstance(dataset, h5py.Dataset) or dataset.shape != () or not h5py.check_string_dtype(dataset.dtype):
        return ""
    value = dataset[()]
    return value.decode("utf8", "replace")[:100] if isinstance(value, bytes) else ""


def _item(tree: Tree, name: str, depth: int) -> RawNode | RawGraph:
    """The node or the subgraph in a group."""
    kind = tree.get("type")
    if not isinstance(kind, str):
        what = "has no type" if kind is None else "has a type that is not a text"
        raise CompileError("nir.type", f"node {name} {what}")
    metadata = tree.get("metadata", {})
    if not is_tree(metadata):
        raise CompileError("nir.parameter", f"the metadata of node {name} is not a group")
    if kind == "NIRGraph":
        return _graph(tree, name, plain_metadata(metadata), depth)
    fields = {key: value for key, value in tree.items() if key not in ("type", "metadata")}
    return RawNode(kind, fields, plain_metadata(metadata))


def _graph(tree: Tree, name: str, metadata: Mapping[str, Any], depth: int) -> RawGraph:
    """The graph in a group, at so many levels below the top."""
    if depth > MAX_DEPTH:
        raise CompileError("nir.depth", f"graphs are nested more than {MAX_DEPTH} deep")
    unknown = sorted(tree.keys() - {"type", "metadata", "nodes", "edges", "input_type", "output_type"})
    if unknown:
        raise CompileError("nir.parameter", f"graph {name} has the unknown entry {unknown[0]!r}")
    if not is_tree(tree.get("nodes")) or "edges" not in tree:
        missing = "edges" if "edges" not in tree else "nodes"
        raise CompileError("nir.parameter", f"graph {name} lacks its {missing}")
    prefix = "" if depth == 0 else f"{name}."
    nodes = {key: _item(item, prefix + key, depth + 1) for key, item in _named(tree["nodes"], "")}
    return RawGraph(nodes, _edges(tree["edges"], name), metadata)


def _named(tree: Tree, prefix: str) -> Iterator[tuple[str, Tree]]:
    """The nodes of a graph; a group without a type that holds groups is the first part of names with a '/' in them."""
    for key, item in tree.items():
        if not is_tree(item):
            raise CompileError("nir.type", f"node {prefix}{key} is an array, not a node")
        inner = {name: part for name, part in item.items() if is_tree(part) and _holds_nodes(name, part)}
        if "type" in item or not inner:
            yield f"{prefix}{key}", {name: part for name, part in item.items() if name not in inner}
        elif len(inner) < len(item):
            stray = min(item.keys() - inner.keys())
            raise CompileError("nir.type", f"node {prefix}{key} has no type, but an entry {stray!r}")
        yield from _named(inner, f"{prefix}{key}/")


def _holds_nodes(name: str, tree: Tree) -> bool:
    """Whether a group inside of a node's group is a node itself, or the first part of one's name."""
    if name in ("metadata", "nodes"):
        return False
    waiting: list[Tree] = [tree]
    while waiting:
        item = waiting.pop()
        if "type" in item:
            return True
        waiting += [part for part in item.values() if is_tree(part)]
    return False


def _edges(value: Any, name: str) -> tuple[tuple[str, str], ...]:
    """Pairs of names; whole numbers, which old files hold, name nodes like "0"."""
    if is_array(value) and value.size == 0:
        return ()
    if not is_array(value) or value.ndim != 2 or value.shape[1] != 2:
        shape = value.shape if is_array(value) else "no shape"
        raise CompileError("nir.edge", f"the edges of graph {name} must be pairs, (N, 2), but have {shape}")
    if len(value) > MAX_EDGES:
        raise CompileError("nir.size", f"graph {name} has more than {MAX_EDGES:,} edges")
    return tuple((_end(start, name), _end(end, name)) for start, end in value.tolist())


def _end(value: Any, name: str) -> str:
    """The node that an edge names."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
        return str(int(value))
    raise CompileError("nir.edge", f"an edge of graph {name} holds {value!r}, which is not a name", hint="store names")
