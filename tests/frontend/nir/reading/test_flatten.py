"""Subgraphs become one flat graph: names, edges through wires, and the bounds of both."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from frontend.nir.reading.flatten import FlatGraph, flatten, without_wires
from frontend.nir.reading.raw import RawGraph, RawNode
from frontend.nir.reading.reader import read_network
from ir.errors import CompileError
from tests.frontend.nir.reading.nodes import SINK, neuron, source

Write = Callable[..., Path]
Make = Callable[..., dict[str, Any]]


def test_a_subgraph_is_flattened(write_file: Write, nir_graph: Make) -> None:
    inner = nir_graph(
        {"input": source(3), "lif": neuron(3), "output": SINK}, [("input", "lif"), ("lif", "output"), ("lif", "lif")]
    )
    network = read_network(write_file({"in": source(3), "sub": inner, "out": SINK}, [("in", "sub"), ("sub", "out")]))
    assert network.edges == (("in", "sub.lif"), ("sub.lif", "out"), ("sub.lif", "sub.lif"))
    assert {name: node.output_shape for name, node in network.nodes.items()} == {
        "in": (3,),
        "sub.lif": (3,),
        "out": (3,),
    }


def test_nested_subgraphs_and_names_that_are_taken(write_file: Write, nir_graph: Make) -> None:
    core = nir_graph({"i": source(3), "n": neuron(3), "o": SINK}, [("i", "n"), ("n", "o"), ("i", "o")])
    middle = nir_graph({"i": source(3), "core": core, "o": SINK}, [("i", "core"), ("i", "core"), ("core", "o")])
    nodes = {"in": source(3), "m": middle, "m.core.n": neuron(3), "out": SINK}
    network = read_network(write_file(nodes, [("in", "m"), ("m", "m.core.n"), ("m.core.n", "out")]))
    assert list(network.nodes) == ["in", "m.core.n", "m.core.n_2", "out"]
    assert sorted(network.edges) == sorted(
        [("in", "m.core.n_2")] * 2 + [("in", "m.core.n")] * 2 + [("m.core.n_2", "m.core.n"), ("m.core.n", "out")]
    )


def test_edges_through_many_subgraphs_are_bounded(write_file: Write, nir_graph: Make) -> None:
    wire = nir_graph({"i": source(3), "o": SINK}, [("i", "o")] * 100)
    nodes = {"in": source(3), **{f"w{n}": wire for n in range(5)}, "out": SINK}
    names = ["in", *(f"w{n}" for n in range(5)), "out"]
    with pytest.raises(CompileError, match="more than 1,000,000 edges"):
        read_network(write_file(nodes, list(pairwise(names))))


def test_a_loop_of_wires_is_algebraic(write_file: Write, nir_graph: Make) -> None:
    wire = nir_graph({"i": source(3), "o": SINK}, [("i", "o")])
    with pytest.raises(CompileError, match="algebraic loop"):
        read_network(write_file({"in": source(3), "w": wire, "out": SINK}, [("in", "w"), ("w", "w"), ("w", "out")]))


def raw(**fields: Any) -> RawNode:
    return RawNode(fields.pop("type"), fields)


def subgraph(*edges: tuple[str, str], ends: tuple[str, str] = ("i", "o")) -> RawGraph:
    """A graph with one Input, one Output and a neuron between them, or past it."""
    start, end = ends
    return RawGraph({start: raw(**source(3)), "n": raw(**neuron(3)), end: raw(**SINK)}, edges)


def graph(*edges: tuple[str, str], **nodes: Any) -> FlatGraph:
    """The flat graph of nodes between `in` and `out`."""
    items = {name: item if isinstance(item, RawGraph) else raw(**item) for name, item in nodes.items()}
    return flatten(RawGraph({"in": raw(**source(3)), **items, "out": raw(**SINK)}, edges))


def test_the_ends_of_subgraphs_stay_as_wires_until_they_are_resolved() -> None:
    flat = graph(("in", "g"), ("g", "out"), g=subgraph(("i", "n"), ("n", "o")))
    assert list(flat.nodes) == ["in", "out", "g.i", "g.n", "g.o"]
    assert flat.wires == {"g.i", "g.o"}
    assert flat.edges == (("in", "g.i"), ("g.o", "out"), ("g.i", "g.n"), ("g.n", "g.o"))
    assert sorted(without_wires(flat)) == [("g.n", "out"), ("in", "g.n")]


def test_outer_names_are_kept_where_an_inner_one_is_the_same() -> None:
    flat = graph(("in", "g"), ("g", "g.n"), ("g.n", "out"), g=subgraph(("i", "n"), ("n", "o")), **{"g.n": neuron(3)})
    assert {"g.n", "g.n_2"} <= flat.nodes.keys()
    assert sorted(without_wires(flat)) == [("g.n", "out"), ("g.n_2", "g.n"), ("in", "g.n_2")]


def test_every_way_through_wires_is_an_edge() -> None:
    """Two edges into the wire, three out of it, one of them to a wire that leads on twice: 2 (1 + 1 + 2) edges."""
    through = subgraph(("i", "o"), ("i", "o"))
    flat = graph(
        ("in", "g"),
        ("in", "g"),
        ("g", "a"),
        ("g", "b"),
        ("g", "h"),
        ("h", "out"),
        g=subgraph(("i", "o")),
        h=through,
        a=neuron(3),
        b=neuron(3),
    )
    assert sorted(without_wires(flat)) == [("in", "a")] * 2 + [("in", "b")] * 2 + [("in", "out")] * 4


def test_nodes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frontend.nir.reading.flatten.MAX_NODES", 4)
    with pytest.raises(CompileError, match="more than 4 nodes"):
        graph(g=subgraph(("i", "n"), ("n", "o")))
