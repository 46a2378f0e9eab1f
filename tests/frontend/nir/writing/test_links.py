"""What lies between populations, as factors and matrices: against the operations themselves."""

from __future__ import annotations

import numpy as np
import pytest

from frontend.nir.writing.links import Link, is_population, links, offset, weights_by_source
from ir.graph import Array, Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import (
    Add,
    Concat,
    Delay,
    Expand,
    Input,
    Lif,
    Linear,
    Op,
    Past,
    Permute,
    Reshape,
    Scale,
    Slice,
    Sum,
    Synapse,
)

RNG = np.random.default_rng(0)


class Net:
    """A graph under construction: two inputs `a` (4,) and `b` (2, 2)."""

    def __init__(self) -> None:
        self.builder = GraphBuilder("net", 3)
        self.a = self.builder.add(Input("spike[4]"), name="a")
        self.b = self.builder.add(Input("spike[2x2]"), name="b")

    def add(self, op: Op, *values: str, name: str = "", **params: Array) -> str:
        stored = {role: self.builder.param(role, np.asarray(array, np.float32)) for role, array in params.items()}
        return self.builder.add(op, *values, name=name or op.kind, params=stored)

    def graph(self, value: str) -> Graph:
        return self.builder.build({"y": value})


@pytest.fixture
def net() -> Net:
    return Net()


def test_where_links_start(net: Net) -> None:
    net.add(Lif(decay=0.5), net.a, name="lif")
    net.add(Delay(2), net.a, name="late")
    net.add(Past("lif", "spike[4]"), name="past")
    kinds = {
        name: is_population(node) for name, node in net.graph(net.add(Synapse(), net.a, name="wire")).nodes.items()
    }
    assert kinds == {"a": True, "b": True, "wire": False}
    for name in ("lif", "late", "past"):
        assert is_population(net.builder.node(name))


def test_wires_are_factors(net: Net) -> None:
    flat = net.add(Reshape((4,)), net.add(Synapse(3.0), net.b, name="three"), name="flat")
    total = net.add(Add(), net.add(Synapse(-0.5), flat, name="half"), net.a, name="sum")
    graph = net.graph(total)
    assert links(graph, (total,)) == [Link("b", "half", -1.5, 0), Link("a", "a", 1.0, 0)]
    assert weights_by_source(graph, (total,)) == {"b": -1.5, "a": 1.0}


def test_two_wires_from_one_population_add_up(net: Net) -> None:
    graph = net.graph(net.add(Add(), net.a, net.add(Synapse(2.0), net.a, name="two"), name="sum"))
    assert weights_by_source(graph, ("sum",)) == {"a": 3.0}
    assert weights_by_source(graph, ("a", "two", "two")) == {"a": 5.0}


def _routed(net: Net) -> str:
    """Everything at once: a matrix of a, a turned, cut and widened b, and a wire from a to boot."""
    matrix = net.add(Linear(), net.a, name="w", weight=RNG.normal(size=(4, 4)))
    turned = net.add(Permute((1, 0)), net.b, name="turn")
    rows = net.add(Expand((2, 2)), net.add(Slice(0, 1, 2), turned, name="cut"), name="wide")
    joined = net.add(Reshape((4,)), net.add(Scale(0.25), rows, name="quarter"), name="flat")
    return net.add(Add(), matrix, joined, net.a, name="sum")


def test_everything_else_is_a_matrix(net: Net) -> None:
    value = _routed(net)
    graph = net.graph(value)
    table = weights_by_source(graph, (value,))
    x = {"a": RNG.integers(0, 2, (3, 5, 4)), "b": RNG.integers(0, 2, (3, 5, 2, 2))}
    x = {name: array.astype(np.float32) for name, array in x.items()}
    expected = interpret(graph, x)["y"]
    total = sum(x[name].reshape(3, 5, -1) @ np.asarray(weight).T for name, weight in table.items())
    np.testing.assert_allclose(total, expected, atol=1e-6)
    assert {name: np.shape(weight) for name, weight in table.items()} == {"a": (4, 4), "b": (4, 4)}


def test_the_widest_value_on_the_way(net: Net) -> None:
    wide = net.add(Expand((4, 2, 2)), net.add(Reshape((1, 2, 2)), net.b, name="r"), name="wide")
    graph = net.graph(net.add(Sum((0, 1)), wide, name="sum"))
    assert links(graph, ("sum",)) == [Link("b", "sum", None, 16)]


def test_joints_have_a_link_from_each_population(net: Net) -> None:
    graph = net.graph(net.add(Concat(0), net.a, net.add(Reshape((4,)), net.b, name="flat"), name="joined"))
    assert {link.source: (link.factor, link.widest) for link in links(graph, ("joined",))} == {
        "a": (None, 8),
        "b": (None, 8),
    }
    table = weights_by_source(graph, ("joined",))
    np.testing.assert_array_equal(np.hstack([table["a"], table["b"]]), np.eye(8))


def test_a_matrix_holds_no_bias_and_the_offset_all_of_them(net: Net) -> None:
    first = net.add(Linear(), net.a, name="w", weight=np.eye(4), bias=[1, 2, 3, 4])
    second = net.add(Scale(-2.0), first, name="s")
    graph = net.graph(net.add(Add(), second, net.a, name="sum"))
    np.testing.assert_array_equal(weights_by_source(graph, ("sum",))["a"], -np.eye(4))
    assert offset(graph, ("sum",)).tolist() == [-2, -4, -6, -8]
    assert offset(graph, ("s", "w")).tolist() == [-1, -2, -3, -4]
    assert offset(graph, ("a",)) is None
