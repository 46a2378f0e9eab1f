"""Graphs are built node by node, compare by what is in them, and travel between processes."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import OPS, Add, Delay, Input, IntegerLif, Lif, Linear, Mul, Past, Scale, Synapse
from ir.verify import INTEGER_NEURONS


def network() -> Graph:
    builder = GraphBuilder("net", 2)
    x = builder.add(Input("spike[4]"), name="x")
    weight, bias = builder.param("w", np.ones((3, 4), np.float32)), builder.param("b", np.zeros(3, np.float32))
    current = builder.add(Linear(), x, name="l", params={"weight": weight})
    both = builder.add(Add(), current, current, name="both")
    return builder.build({"y": builder.add(Lif(0.5), both, name="s", params={"bias": bias})})


@given(data=st.data())
def test_a_pickled_graph_is_the_same(data: st.DataObject, random_graphs):
    graph = data.draw(random_graphs)
    assert pickle.loads(pickle.dumps(graph)) == graph


def test_a_provenance_lists_each_pass_once():
    provenance = Provenance("block.0.attn").after("fold").after("lower").after("fold")
    assert (provenance.passes, str(provenance)) == (("fold", "lower"), "block.0.attn (fold, lower)")
    assert (str(Provenance("block")), str(Provenance())) == ("block", "")


def test_names_are_made_unique():
    builder = GraphBuilder("net", 1)
    x = builder.add(Input("real[2]"), name="x")
    assert [builder.free_name("x"), builder.free_name("y")] == ["x_2", "y"]
    assert [builder.add(Scale(2.0), x, name="x") for _ in range(2)] == ["x_2", "x_3"]
    assert builder.node("x_3").inputs == ("x",)
    assert str(builder.type("x_2")) == "real[2]"


def test_equal_parameters_are_stored_once_and_others_beside_them():
    builder = GraphBuilder("net", 1)
    ones = np.ones(3, np.float32)
    assert builder.param("w", ones) == builder.param("w", ones.copy()) == "w"
    others = (np.zeros(3, np.float32), np.ones(3, np.float64), np.ones((3, 1), np.float32))
    assert [builder.param("w", other) for other in others] == ["w.2", "w.3", "w.4"]
    ones[:] = 7
    assert builder.array("w").tolist() == [1, 1, 1], "a copy"
    with pytest.raises(ValueError, match="read-only"):
        builder.array("w")[0] = 2


def test_a_parameter_keeps_its_shape_and_lies_in_rows():
    builder = GraphBuilder("net", 1)
    assert builder.array(builder.param("one", np.array(2.0))).shape == ()
    turned = builder.array(builder.param("turned", np.arange(6).reshape(2, 3).T))
    assert (turned.tolist(), turned.flags.c_contiguous) == ([[0, 3], [1, 4], [2, 5]], True)


def test_what_no_output_needs_is_dropped_but_inputs_stay():
    builder = GraphBuilder("net", 1)
    x, unused = builder.add(Input("real[2]"), name="x"), builder.add(Input("real[2]"), name="unused")
    y = builder.add(Scale(), x, name="y", params={"weight": builder.param("used", np.ones(2))})
    builder.add(Scale(), unused, name="dropped", params={"weight": builder.param("gone", np.zeros(2))})
    graph = builder.build({"y": y})
    assert list(graph.nodes) == ["x", "unused", "y"]
    assert list(graph.params) == ["used"]


def test_what_a_back_edge_comes_from_is_needed():
    builder = GraphBuilder("net", 1)
    x = builder.add(Input("spike[2]"), name="x")
    back = builder.add(Past("late", "spike[2]"), name="back")
    builder.add(Delay(1), x, name="late")
    graph = builder.build({"y": builder.add(Scale(), back, name="y")})
    assert "late" in graph.nodes
    assert ([node.name for node in graph.loops], graph.nodes["back"].reads) == (["back"], ("late",))


def test_what_a_graph_tells_of_its_nodes():
    graph = network()
    assert [node.name for node in graph.inputs] == ["x"]
    assert graph.nodes["s"].param("bias") == "b"
    assert graph.nodes["s"].param("weight") is None
    assert {name: [node.name for node in users] for name, users in graph.users().items()} == {
        "x": ["l"],
        "l": ["both"],
        "both": ["s"],
        "s": [],
    }
    assert [str(kind) for kind in graph.args(graph.nodes["both"])] == ["current[3]", "current[3]"]
    assert graph.arrays(graph.nodes["l"])["weight"] is graph.params["w"]


def test_integers_are_known_by_their_neurons_or_weights():
    assert not network().is_integer
    for whole in (np.int8, np.float32):
        builder = GraphBuilder("net", 1)
        x = builder.add(Input("spike[2]"), name="x")
        current = builder.add(Linear(), x, name="l", params={"weight": builder.param("w", np.eye(2, dtype=whole))})
        assert builder.build({"y": current}).is_integer == (whole is np.int8)
    op = IntegerLif(4095, 4096, 8, shift=6, decay_bits=12, state_bits=24)
    chip = builder.add(op, builder.add(Synapse(), x, name="s"), name="chip")
    assert builder.build({"y": chip}).is_integer


@pytest.mark.parametrize("kind", sorted(INTEGER_NEURONS))
def test_every_neuron_of_the_chip_makes_a_network_of_integers(kind: str) -> None:
    sizes = {"du": 4095, "dv": 2048, "vth": 9, "shift": 6, "decay_bits": 12, "state_bits": 24, "bits": 8, "right": 0}
    known = {field.name for field in fields(OPS[kind])}
    builder = GraphBuilder("net", 2)
    current = builder.add(Synapse(1.0), builder.add(Input("spike[3]"), name="x"), name="current")
    op = OPS[kind](**{name: value for name, value in sizes.items() if name in known})
    assert builder.build({"y": builder.add(op, current, name="y")}).is_integer


def test_graphs_compare_by_nodes_order_outputs_and_numbers():
    graph = network()
    assert graph == network()
    assert graph != "net"
    for change in (
        {"name": "other"},
        {"steps": 3},
        {"dtype": "float64"},
        {"outputs": {"z": "s"}},
        {"nodes": dict(reversed(list(graph.nodes.items())))},
        {"params": {**graph.params, "w": np.zeros((3, 4), np.float32)}},
        {"params": {**graph.params, "w": np.ones((3, 4))}},
        {"params": {"w": graph.params["w"]}},
    ):
        assert replace(graph, **change) != graph


def test_tables_are_read_only():
    with pytest.raises(TypeError):
        network().nodes["t"] = network().nodes["s"]  # pyright: ignore[reportIndexIssue]


def test_builder_names_the_node_that_does_not_fit():
    builder = GraphBuilder("bad", 1)
    x = builder.add(Input("spike[4]"), name="x")
    y = builder.add(Input("spike[5]"), name="y")
    with pytest.raises(CompileError, match="cannot combine") as error:
        builder.add(Mul(), x, y, name="mask")
    assert "%mask" in str(error.value)
