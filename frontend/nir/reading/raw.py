"""NIR graphs as they were found in a file or in memory, before anything about their meaning is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from frontend.nir.reading.values import as_array
from ir.errors import CompileError

MAX_DEPTH = 32
"""Subgraphs in subgraphs."""
MAX_NODES = 1_000_000
MAX_EDGES = 1_000_000


@dataclass(frozen=True, eq=False)
class RawNode:
    """A node: the class name that it claims and its fields (arrays, strings, numbers, dictionaries) by name."""

    kind: str
    fields: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RawGraph:
    """A graph of nodes and subgraphs with the edges as written, port subscripts included."""

    nodes: Mapping[str, RawNode | RawGraph]
    edges: tuple[tuple[str, str], ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""


def text(value: Any) -> str:
    """A name or string from HDF5; CompileError where its bytes are not UTF-8."""
    try:
        return (value if isinstance(value, bytes) else str(value).encode("utf8")).decode("utf8")
    except UnicodeError as error:
        raise CompileError("nir.name", f"{value!a} is not a text in UTF-8") from error


def plain_metadata(entries: Mapping[Any, Any], depth: int = 0) -> dict[str, Any]:
    """
    Metadata in the same plain types whether it comes from a file or from memory.

    Raises:
        CompileError: for dictionaries that are nested without end.
    """
    if depth > MAX_DEPTH:
        raise CompileError("nir.depth", f"metadata is nested more than {MAX_DEPTH} deep")
    return {text(key): _plain(value, depth) for key, value in entries.items()}


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return plain_metadata(value, depth + 1)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        return text(value)
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    array = as_array(value)
    if array.dtype.kind in "OSU":
        return _texts(array) if array.ndim else str(value)
    return array.item() if array.ndim == 0 else array


def _texts(array: Any) -> tuple[Any, ...]:
    return tuple(text(item) if array.ndim == 1 else _texts(item) for item in array)
