"""Loops need state, what counts needs a source, and what influences nothing is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frontend.nir.reading.flatten import FlatGraph
from frontend.nir.reading.node_check import CheckedNode, check_node
from frontend.nir.reading.raw import RawNode
from frontend.nir.reading.reach import check_fed, check_loops, check_ports, influential
from frontend.nir.reading.reader import read_network
from ir.errors import CompileError
from tests.frontend.nir.reading.nodes import SINK, full, linear, neuron, scale, source

Write = Callable[..., Path]


def test_loops_with_state(write_file: Write) -> None:
    nodes = {
        "in": source(4),
        "fc": linear(3, 4),
        "n": neuron(3),
        "rec": linear(3, 3),
        "d": {"type": "Delay", "delay": full(3)},
        "out": SINK,
    }
    edges = [("in", "fc"), ("fc", "n"), ("n", "rec"), ("rec", "n"), ("n", "n"), ("d", "d"), ("n", "d"), ("d", "out")]
    assert read_network(write_file(nodes, edges)).edges == tuple(edges)


def test_islands_are_left_out(write_file: Write) -> None:
    untold = {
        "type": "Conv1d",
        "weight": full(2, 2, 3),
        "bias": full(2),
        "stride": 1,
        "padding": 1,
        "dilation": 1,
        "groups": 1,
    }
    nodes = {"in": source(3), "n": neuron(3), "out": SINK, "dead": linear(9, 3), "in2": source(7)}
    islands = {"x": neuron(), "y": scale(), "conv": untold, "free": linear(2, 2)}
    edges = [("in", "n"), ("n", "out"), ("n", "dead"), ("x", "y"), ("y", "x")]
    network = read_network(write_file({**nodes, **islands}, edges))
    assert list(network.nodes) == ["in", "in2", "n", "out"]
    assert network.edges == (("in", "n"), ("n", "out"))


def test_a_neuron_may_have_no_input(write_file: Write) -> None:
    network = read_network(
        write_file({"in": source(3), "pacemaker": neuron(3), "out": SINK}, [("in", "out"), ("pacemaker", "out")])
    )
    assert network.nodes["pacemaker"].input_shape == (3,)


def checked(**nodes: Mapping[str, Any]) -> dict[str, CheckedNode]:
    return {
        name: check_node(name, RawNode(str(item["type"]), {key: value for key, value in item.items() if key != "type"}))
        for name, item in nodes.items()
    }


def delay(*steps: float) -> dict[str, Any]:
    return {"type": "Delay", "delay": np.array(steps)}


NODES = checked(x=source(3), a=scale(3), b=scale(3), n=neuron(3), late=delay(1, 2, 3), now=delay(0, 1, 1), y=SINK)


@pytest.mark.parametrize("node", ["n", "late"])
def test_a_loop_over_state_is_sound(node: str) -> None:
    check_loops(NODES, (("x", "a"), ("a", node), (node, "b"), ("b", "a"), (node, node), ("b", "y")))


@pytest.mark.parametrize(
    ("edges", "nodes"),
    [((("a", "b"), ("b", "a")), {"a", "b"}), ((("a", "a"),), {"a"}), ((("a", "now"), ("now", "a")), {"a", "now"})],
)
def test_a_loop_without_state_is_named(edges: tuple[tuple[str, str], ...], nodes: set[str]) -> None:
    with pytest.raises(CompileError, match="algebraic loop") as caught:
        check_loops(NODES, edges)
    assert caught.value.rule == "nir.loop"
    assert set(caught.value.what.removeprefix("algebraic loop: ").split(" -> ")) == nodes


def test_what_reaches_an_output_counts_and_so_does_every_input() -> None:
    assert influential(NODES, (("a", "n"), ("n", "y"), ("n", "b"), ("b", "late"), ("late", "b"))) == {
        "x",
        "a",
        "n",
        "y",
    }


def test_what_counts_needs_a_source() -> None:
    check_fed(NODES, (("x", "y"),), {"x", "y", "n", "late"})
    with pytest.raises(CompileError, match="no edge leads to the Output node y"):
        check_fed(NODES, (), {"y"})
    with pytest.raises(CompileError, match=r"node a \(Scale\) has no incoming edge"):
        check_fed(NODES, (("a", "y"),), {"a", "y"})


def test_ends_of_subgraphs_that_count_need_a_source() -> None:
    wires = frozenset({"a", "b"})
    check_ports(FlatGraph(NODES, (("x", "a"), ("a", "y")), wires))  # nothing reads b
    with pytest.raises(CompileError, match="no edge leads to b, an Scale node of a subgraph"):
        check_ports(FlatGraph(NODES, (("x", "a"), ("a", "y"), ("b", "a")), wires))
