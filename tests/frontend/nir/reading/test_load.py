"""A NIR file becomes the raw graph that it holds: nodes by their names, edges, metadata, version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from frontend.nir.reading.load import load
from frontend.nir.reading.raw import RawGraph, RawNode
from frontend.nir.reading.reader import read_network
from ir.errors import CompileError
from tests.frontend.nir.reading.nodes import SINK, linear, neuron, scale, source

Write = Callable[..., Path]
Make = Callable[..., dict[str, Any]]


def test_slashes_in_names_are_nested_groups(write_file: Write) -> None:
    nodes = {"a/in": source(3), "a/b/lif": neuron(3), "c": scale(3), "c/d": scale(3), "out": SINK}
    edges = [("a/in", "a/b/lif"), ("a/b/lif", "c"), ("c", "c/d"), ("c/d", "out")]
    nested = {"a": {"in": nodes["a/in"], "b": {"lif": nodes["a/b/lif"]}}, "c": {**scale(3), "d": scale(3)}, "out": SINK}
    network = read_network(write_file(nested, edges))
    assert network.nodes.keys() == nodes.keys()
    assert network.edges == tuple(edges)


def test_numbers_as_edges_of_old_files(write_file: Write) -> None:
    path = write_file({"0": source(3), "1": neuron(3), "2": SINK}, [])
    with h5py.File(path, "a") as file:
        del file["node/edges"]
        file["node/edges"] = [[0.0, 1.0], [1.0, 2.0]]
    assert read_network(path).edges == (("0", "1"), ("1", "2"))


def test_metadata_and_version(write_file: Write) -> None:
    lif = {**neuron(3), "metadata": {"dt": 1e-4, "a": {"b": "text", "list": np.arange(3)}, "names": ["x", "y"]}}
    path = write_file(
        {"in": source(3), "n": lif, "out": SINK}, [("in", "n"), ("n", "out")], metadata={"reset": "zero", "steps": 5}
    )
    network = read_network(path)
    assert network.version == ""
    assert network.metadata == {"reset": "zero", "steps": 5}
    read = network.nodes["n"].metadata
    assert (read["dt"], read["names"], read["a"]["b"]) == (1e-4, ("x", "y"), "text")
    with h5py.File(path, "a") as file:
        file["version"] = "1.0.2"
    assert read_network(path).version == "1.0.2"


def test_weights_may_be_shared_by_links_within_the_file(write_file: Write) -> None:
    path = write_file(
        {"in": source(3), "a": linear(3, 3), "b": linear(3, 3), "out": SINK}, [("in", "a"), ("a", "b"), ("b", "out")]
    )
    with h5py.File(path, "a") as file:
        del file["node/nodes/b/weight"]
        file["node/nodes/b/weight"] = file["node/nodes/a/weight"]
    assert read_network(path).nodes["b"].params["weight"].shape == (3, 3)


def test_a_file_is_read_as_it_is(write_file: Write, nir_graph: Make) -> None:
    """Nothing is checked yet: unknown kinds, ports and dangling edges are the reader's business."""
    inner = nir_graph({"i": source(3), "what": {"type": "Unheard", "of": 3.5}}, [("i", "what.port")])
    graph = load(write_file({"x": source(3), "g": inner}, [("x", "g.i"), ("x", "nowhere")], metadata={"dt": 0.5}))
    assert graph.edges == (("x", "g.i"), ("x", "nowhere"))
    assert graph.metadata == {"dt": 0.5}
    subgraph = graph.nodes["g"]
    assert isinstance(subgraph, RawGraph)
    assert subgraph.edges == (("i", "what.port"),)
    node = subgraph.nodes["what"]
    assert isinstance(node, RawNode)
    assert (node.kind, node.fields.keys(), float(node.fields["of"])) == ("Unheard", {"of"}, 3.5)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_text("text"), "not a readable HDF5 file"),
        (lambda path: h5py.File(path, "w").close(), "no group 'node'"),
    ],
)
def test_what_is_no_file_names_it(make: Callable[[Path], object], text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.nir"
    make(path)
    with pytest.raises(CompileError, match=text) as caught:
        load(path)
    assert (caught.value.rule, caught.value.where) == ("nir.file", str(path))


def test_the_graph_lies_in_the_file_itself(write_file: Write) -> None:
    path = write_file({"x": source(3)}, [])
    with h5py.File(path, "a") as file:
        file.move("node", "other")
        file["node"] = h5py.SoftLink("/other")
    with pytest.raises(CompileError, match="its group 'node' is a link") as caught:
        load(path)
    assert caught.value.rule == "nir.link"
