"""The record of a graph beside its NIR nodes: arrays stay where a node holds them, the rest is stored with the record."""

from __future__ import annotations

import json
from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.round_trip.extension import Extension
from frontend.nir.round_trip.record import GENERATOR, graph_from_record, graph_record
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import Input, Scale, Sum
from tests.frontend.nir.round_trip.graphs import vector_graph


def nodes_of(graph: Graph, *held: str) -> dict[str, Any]:
    """Extension nodes that hold the parameters of the nodes `held`."""
    return {name: Extension("scale", "{}", "[]", np.array([1]), graph.arrays(graph.nodes[name])) for name in held}


def test_a_graph_comes_back_from_its_record() -> None:
    graph = vector_graph()
    for nodes in ({}, nodes_of(graph, "fc"), nodes_of(graph, "conv", "fc", "gain")):
        assert graph_from_record(graph_record(graph, nodes), nodes) == graph


def test_arrays_that_a_node_holds_are_stored_once() -> None:
    graph = vector_graph()
    assert graph_record(graph, {})["arrays"].keys() == {"0", "1", "2"}
    record = graph_record(graph, nodes_of(graph, "conv", "fc"))
    assert "arrays" not in record
    assert json.loads(record["record"])["params"] == {
        "conv.weight": "conv/weight",
        "fc.weight": "fc/weight",
        "fc.bias": "fc/bias",
    }
    assert record["generator"] == GENERATOR


def test_a_changed_array_of_a_node_is_a_changed_network() -> None:
    graph = vector_graph()
    nodes = nodes_of(graph, "fc")
    record = graph_record(graph, nodes)
    nodes["fc"].params["weight"] = 2 * nodes["fc"].params["weight"]
    read = graph_from_record(record, nodes)
    np.testing.assert_array_equal(read.params["fc.weight"], 2 * graph.params["fc.weight"])
    assert not read.params["fc.weight"].flags.writeable


def test_numbers_without_axes_are_stored_with_one() -> None:
    """HDF5 cannot compress the others."""
    builder = GraphBuilder("net", 0)
    x = builder.add(Input("real[2]"), name="x")
    graph = builder.build(
        {"y": builder.add(Scale(), x, name="y", params={"weight": builder.param("w", np.float32(0.5))})}
    )
    record = graph_record(graph, nodes_of(graph, "y"))
    assert record["arrays"]["0"].shape == (1,)
    assert graph_from_record(record, {}) == graph


def test_a_graph_without_parameters_stores_none() -> None:
    builder = GraphBuilder("net", 0)
    x = builder.add(Input("real[2]"), name="x", provenance=Provenance("a.b", ("one", "two")))
    graph = builder.build({"y": builder.add(Sum((0,)), x, name="y")})
    record = graph_record(graph, {})
    assert record.keys() == {"generator", "format_version", "record"}
    assert graph_from_record(record, {}).nodes["x"].provenance == Provenance("a.b", ("one", "two"))


def test_a_node_without_the_array_is_refused() -> None:
    graph = vector_graph()
    record = graph_record(graph, nodes_of(graph, "fc"))
    with pytest.raises(CompileError, match="node fc has no parameter weight"):
        graph_from_record(record, {"fc": nir.Scale(np.ones(2))})
