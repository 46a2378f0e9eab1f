"""Graphs that are unusual but valid: subgraphs, ports, loops, islands, names, shapes that others tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.reading.reader import network_of, read_network
from frontend.nir.round_trip.file import write_nir
from tests.frontend.nir.reading.nodes import SINK, full, neuron, scale, source

Write = Callable[..., Path]


def test_several_inputs_and_outputs_and_edges_that_count_twice(write_file: Write) -> None:
    nodes = {"b": source(3), "a": source(3), "n": neuron(3), "z": SINK, "y": SINK}
    edges = [("b", "n"), ("a", "n"), ("a", "n"), ("n", "z"), ("n", "y"), ("a", "y")]
    network = read_network(write_file(nodes, edges))
    assert network.edges == tuple(edges)
    assert (network.inputs, network.outputs) == (("a", "b"), ("y", "z"))
    assert [(rule, node) for rule, node, _ in network.remarks] == [("edge", "n")]


def test_what_looks_forgotten_is_remarked(write_file: Write) -> None:
    nodes = {"a": source(3), "bare": source(), "alone": source(3), "n": neuron(3), "lost": scale(3), "z": SINK}
    path = write_file(nodes, [("a", "n"), ("bare", "n"), ("n", "z"), ("n", "lost")])
    remarks = read_network(path).remarks
    assert [(rule, node) for rule, node, _ in remarks] == [
        ("unlinked", "alone"),
        ("shape", "bare"),
        ("unlinked", "lost"),
    ]


@pytest.mark.parametrize(
    "names",
    [
        ("0", "1", "10", "2"),
        ("größe", "脉冲", "a b", "'"),
        ("x.input", "x", "x.output", "x.y.z"),
        ("weight", "type", "nodes", "edges"),
    ],
)
def test_any_names(names: tuple[str, ...], write_file: Write) -> None:
    a, b, c, d = names
    network = read_network(write_file({a: source(3), b: scale(3), c: neuron(3), d: SINK}, [(a, b), (b, c), (c, d)]))
    assert network.edges == ((a, b), (b, c), (c, d))
    assert list(network.nodes) == sorted(names)


def test_large_graphs_take_linear_time() -> None:
    ones, count = full(1), 3000
    nodes: dict[str, Any] = {f"n{k}": nir.Scale(ones) for k in range(count)}
    nodes |= {"in": nir.Input(np.array([1])), "out": nir.Output(None)}
    edges = [("in", "n0"), *((f"n{k}", f"n{k + 1}") for k in range(count - 1)), (f"n{count - 1}", "out")]
    assert len(network_of(nir.NIRGraph(nodes, edges, type_check=False)).nodes) == count + 2


def test_written_by_nir_itself_with_scalars(tmp_path: Path) -> None:
    """nir 1.0.8 cannot write 0-d arrays compressed; our writer can write any graph that nir holds."""
    scalar = np.array(1, np.float32)
    nodes = {
        "a": nir.Input(np.array([3])),
        "n": nir.LIF(scalar, scalar, scalar, scalar),
        "z": nir.Output(np.array([3])),
    }
    nodes |= {"w": nir.Linear(np.zeros((3, 3), np.float32))}
    graph = nir.NIRGraph(nodes, [("a", "w"), ("w", "n"), ("n", "z")], type_check=False)
    write_nir(graph, tmp_path / "a.nir")
    network = read_network(tmp_path / "a.nir")
    assert network.nodes["n"].params["tau"].shape == (3,)
    assert network.version == nir.version
