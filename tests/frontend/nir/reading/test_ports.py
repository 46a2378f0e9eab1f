"""Which node an end of an edge means: plain names, ports, and the ends of subgraphs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frontend.nir.reading.ports import source as source_of
from frontend.nir.reading.ports import target
from frontend.nir.reading.raw import RawGraph, RawNode
from frontend.nir.reading.reader import read_network
from ir.errors import CompileError
from tests.frontend.nir.reading.nodes import SINK, linear, neuron, source

Write = Callable[..., Path]
Make = Callable[..., dict[str, Any]]


def test_plain_ports(write_file: Write) -> None:
    nodes = {"in": source(3), "lif": neuron(3), "out": SINK}
    network = read_network(write_file(nodes, [("in.output", "lif.input"), ("lif", "out.input")]))
    assert network.edges == (("in", "lif"), ("lif", "out"))


def test_ports_of_a_subgraph(write_file: Write, nir_graph: Make) -> None:
    inner_nodes = {"x": source(3), "y": source(2), "fx": linear(2, 3), "n": neuron(2), "spikes": SINK, "sum": SINK}
    inner = nir_graph(inner_nodes, [("x", "fx"), ("fx", "n"), ("y", "n"), ("n", "spikes"), ("fx", "sum"), ("y", "sum")])
    nodes = {"a": source(3), "b": source(2), "g": inner, "g.x": linear(3, 2), "out": SINK, "out2": SINK}
    edges = [("a", "g.x.input"), ("b", "g.y"), ("g.spikes", "out"), ("g.sum", "out2")]
    with pytest.raises(CompileError, match=r"g.x \(Linear\)|'a', 'g.x'"):
        read_network(write_file(nodes, edges))  # a node's own name wins
    del nodes["g.x"]
    edges[0] = ("a", "g.x")
    network = read_network(write_file(nodes, edges))
    assert sorted(network.edges) == [
        ("a", "g.fx"),
        ("b", "g.n"),
        ("b", "out2"),
        ("g.fx", "g.n"),
        ("g.fx", "out2"),
        ("g.n", "out"),
    ]
    with pytest.raises(CompileError, match="does not say which Input node of subgraph g"):
        read_network(write_file(nodes, [("a", "g"), ("g.spikes", "out")]))


INNER = {"x": RawNode("Input", {}), "y": RawNode("Input", {}), "n": RawNode("IF", {}), "only": RawNode("Output", {})}
GRAPH = RawGraph(
    {
        "in": RawNode("Input", {}),
        "lif": RawNode("LIF", {}),
        "a.b": RawNode("LIF", {}),
        "g": RawGraph(INNER, ()),
        "closed": RawGraph({"n": RawNode("IF", {})}, ()),
        "out": RawNode("Output", {}),
    },
    (),
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lif", ("lif",)),
        ("lif.input", ("lif",)),
        ("a.b", ("a.b",)),
        ("a.b.input", ("a.b",)),
        ("g.x", ("g", "x")),
        ("out", ("out",)),
    ],
)
def test_where_an_edge_enters(name: str, expected: tuple[str, ...]) -> None:
    assert target(GRAPH, name, ("in", name)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("in", ("in",)),
        ("lif.output", ("lif",)),
        ("g", ("g", "only")),
        ("g.only", ("g", "only")),
        ("g.output", ("g", "only")),
    ],
)
def test_where_an_edge_leaves(name: str, expected: tuple[str, ...]) -> None:
    assert source_of(GRAPH, name, (name, "out")) == expected


@pytest.mark.parametrize(
    ("end", "name", "rule", "text"),
    [
        (target, "nowhere", "nir.edge", "has the target 'nowhere', a node that does not exist"),
        (source_of, "nowhere.x", "nir.edge", "has the source 'nowhere.x', a node that does not exist"),
        (target, "in", "nir.edge", "enters the Input node in"),
        (source_of, "out", "nir.edge", "leaves the Output node out"),
        (target, "lif.output", "nir.port", "a port 'output' that node lif (LIF) does not have"),
        (target, "g", "nir.port", "does not say which Input node of subgraph g it means"),
        (target, "g.z", "nir.port", "an Input node 'z' that subgraph g does not have"),
        (source_of, "closed", "nir.port", "an Output node 'output' that subgraph closed does not have"),
    ],
)
def test_ends_that_mean_nothing(end: Any, name: str, rule: str, text: str) -> None:
    with pytest.raises(CompileError) as caught:
        end(GRAPH, name, ("a", "b"))
    assert caught.value.rule == rule
    assert text in caught.value.what
