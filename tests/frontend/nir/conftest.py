"""NIR files written directly with h5py, as any program might write them: nir's classes have no say in what they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

Nodes = Mapping[str, Mapping[str, Any]]
Write = Callable[..., Path]


def fill(group: h5py.Group, fields: Mapping[str, Any]) -> None:
    """A dictionary per group, a dataset per other value; None is left out."""
    for key, value in fields.items():
        if isinstance(value, Mapping):
            fill(group.create_group(key), value)
        elif isinstance(value, str):
            group.create_dataset(key, data=value, dtype=h5py.string_dtype())
        elif value is not None:
            group.create_dataset(key, data=value)


def graph(nodes: Nodes, edges: Sequence[tuple[str, str]], **entries: Any) -> dict[str, Any]:
    """The content of a graph's group."""
    pairs = np.array(list(edges), dtype=h5py.string_dtype()).reshape(-1, 2)
    return {"type": "NIRGraph", "nodes": nodes, "edges": pairs, **entries}


@pytest.fixture
def nir_graph() -> Callable[..., dict[str, Any]]:
    """nir_graph(nodes, edges): the content of a subgraph."""
    return graph


@pytest.fixture
def write_file(tmp_path: Path) -> Write:
    """write_file(nodes, edges, **entries of the graph): the path of a NIR file."""

    def write(nodes: Nodes, edges: Sequence[tuple[str, str]], **entries: Any) -> Path:
        path = tmp_path / "network.nir"
        with h5py.File(path, "w") as file:
            fill(file.create_group("node"), graph(nodes, edges, **entries))
        return path

    return write
