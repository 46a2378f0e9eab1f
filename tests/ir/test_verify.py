"""The verifier refuses what each level forbids, and shows where."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.ops import Add, Input, Lif, Linear, Past, Synapse
from ir.verify import LEVELS, verify


def network() -> Graph:
    builder = GraphBuilder("net", 2)
    x = builder.add(Input("spike[4]"), name="x")
    weight = builder.param("w", np.ones((3, 4), np.float32))
    current = builder.add(Linear(), x, name="l", params={"weight": weight})
    return builder.build({"y": builder.add(Lif(0.5), current, name="s")})


@given(data=st.data())
def test_every_built_graph_is_legal_source(data: st.DataObject, random_graphs):
    verify(data.draw(random_graphs), "source")


def test_levels_narrow():
    assert LEVELS["synaptic"] < LEVELS["spiking"] < LEVELS["source"] | {"graded", "gate", "burst", "max_relay"}
    verify(network(), "synaptic")
    with pytest.raises(CompileError, match="lif is not legal at level quantized") as error:
        verify(network(), "quantized")
    assert "^^^" in str(error.value)


def test_wrong_type_order_parameter_and_output():
    graph = network()
    nodes = dict(graph.nodes)
    wrong = replace(nodes["s"], type=replace(nodes["s"].type, shape=(9,)))
    for broken, message in (
        (replace(graph, nodes={**nodes, "s": wrong}), "recorded as"),
        (replace(graph, nodes={"l": nodes["l"], "x": nodes["x"], "s": nodes["s"]}), "before it is computed"),
        (replace(graph, params={}), "has no parameter"),
        (replace(graph, outputs={"y": "nothing"}), "does not exist"),
    ):
        with pytest.raises(CompileError, match=message):
            verify(broken, "source")


def test_wiring_at_the_synaptic_level():
    builder = GraphBuilder("bad", 1)
    x = builder.add(Input("spike[4]"), name="x")
    both = builder.add(Add(), x, x, name="both")
    projected = builder.add(Synapse(), both, name="p")
    with pytest.raises(CompileError, match="one population"):
        verify(builder.build({"y": projected}), "synaptic")
    neuron = builder.add(Lif(0.5), x, name="n")
    with pytest.raises(CompileError, match="must read currents"):
        verify(builder.build({"y": neuron}), "synaptic")


def test_a_back_edge_must_meet_its_value():
    builder = GraphBuilder("net", 0)
    past = builder.add(Past("s", "spike[4]"), name="back")
    s = builder.add(Lif(0.5), past, name="s")
    verify(builder.build({"s": s}), "source")
    builder = GraphBuilder("net", 0)
    builder.add(Input("spike[4]"), name="x")
    past = builder.add(Past("x", "spike[5]"), name="back")
    graph = builder.build({"s": builder.add(Lif(0.5), past, name="s")})
    with pytest.raises(CompileError, match="not spike"):
        verify(graph, "source")
