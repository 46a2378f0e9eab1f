"""Our own graphs read back exactly, and refused where somebody changed them or the way through NIR loses something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nir
import numpy as np
import pytest

from frontend.nir.round_trip import from_nir as reader
from frontend.nir.round_trip.file import read_nir, write_nir
from frontend.nir.round_trip.from_nir import from_nir, has_record, through_nir
from frontend.nir.round_trip.to_nir import to_nir
from ir.errors import CompileError
from ir.graph import Graph, Provenance
from tests.frontend.nir.round_trip.graphs import vector_graph


def test_a_changed_neuron_is_noticed(tmp_path: Path) -> None:
    graph = to_nir(vector_graph())
    graph.nodes["lif"].v_threshold = graph.nodes["lif"].v_threshold * 2
    write_nir(graph, tmp_path / "network.nir")
    with pytest.raises(CompileError, match="contradicts"):
        from_nir(read_nir(tmp_path / "network.nir"))


def test_changed_weights_are_read(tmp_path: Path) -> None:
    graph = to_nir(vector_graph())
    graph.nodes["fc"].weight = graph.nodes["fc"].weight * 2
    write_nir(graph, tmp_path / "network.nir")
    read = from_nir(read_nir(tmp_path / "network.nir"))
    np.testing.assert_array_equal(read.params["fc.weight"], vector_graph().params["fc.weight"] * 2)


def test_newer_and_damaged_graphs_are_refused() -> None:
    damaged = to_nir(vector_graph())
    damaged.metadata["record"] = "no JSON"
    with pytest.raises(CompileError, match="damaged"):
        from_nir(damaged)
    newer = to_nir(vector_graph())
    newer.metadata["format_version"] = "99"
    with pytest.raises(CompileError, match="version 99"):
        from_nir(newer)


def test_a_graph_through_nir_is_the_graph_and_its_nir() -> None:
    graph, nir_graph = through_nir(vector_graph())
    assert graph == vector_graph()
    assert from_nir(nir_graph) == graph


def without_provenance(graph: Graph) -> Graph:
    nodes = {name: replace(node, provenance=Provenance()) for name, node in graph.nodes.items()}
    return replace(graph, nodes=nodes)


def with_finer_bias(graph: Graph) -> Graph:
    return replace(graph, params={**graph.params, "fc.bias": graph.params["fc.bias"].astype(np.float64)})


@pytest.mark.parametrize(
    ("lose", "value", "where"),
    [
        (without_provenance, "lif", "lif"),
        (with_finer_bias, "fc", ""),
        (lambda graph: replace(graph, steps=5), "twice", ""),
    ],
)
def test_a_graph_that_nir_does_not_hold_is_one_error(
    lose: Callable[[Graph], Graph], value: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_record = reader.graph_from_record
    monkeypatch.setattr(reader, "graph_from_record", lambda *arguments: lose(read_record(*arguments)))
    with pytest.raises(CompileError, match=f"%{value} of the graph vectors is not read back") as caught:
        through_nir(vector_graph())
    assert caught.value.rule == "nir.round_trip"
    assert caught.value.where == where
    assert "report" in caught.value.hint


def test_our_graphs_are_known_by_their_generator() -> None:
    assert has_record(to_nir(vector_graph()).metadata)
    assert not has_record({})
    assert not has_record({"generator": "spike-compiler plain"})


def _without_node(graph: nir.NIRGraph) -> None:
    del graph.nodes["twice"]


def _with_node(graph: nir.NIRGraph) -> None:
    graph.nodes["more"] = nir.Scale(np.ones(5))


def _of_another_kind(graph: nir.NIRGraph) -> None:
    graph.nodes["gain"] = nir.Threshold(graph.nodes["gain"].scale)


def _without_edge(graph: nir.NIRGraph) -> None:
    graph.edges.remove(("lif", "flatten"))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (_without_node, "node twice contradicts"),
        (_with_node, "node more contradicts"),
        (_without_edge, "edge lif -> flatten contradicts"),
        (lambda graph: graph.edges.append(("lif", "flatten")), "edge lif -> flatten contradicts"),
        (lambda graph: graph.metadata.update(steps="7"), "metadata steps contradicts"),
    ],
)
def test_whatever_was_changed_is_named(change: Callable[[nir.NIRGraph], None], what: str) -> None:
    graph = to_nir(vector_graph())
    change(graph)
    with pytest.raises(CompileError, match=what) as caught:
        from_nir(graph)
    assert caught.value.rule == "nir.changed"


def test_a_node_of_another_kind_has_lost_its_array() -> None:
    graph = to_nir(vector_graph())
    _of_another_kind(graph)
    with pytest.raises(CompileError, match="node gain has no parameter scale"):
        from_nir(graph)


def test_what_nobody_knows_may_stand_in_an_array() -> None:
    """NaN is equal to nothing, itself included; a graph that holds it is read back all the same."""
    graph = to_nir(vector_graph())
    graph.nodes["gain"].scale = graph.nodes["fc"].bias = np.full(5, np.nan, np.float32)  # one parameter
    assert np.isnan(from_nir(graph).params["fc.bias"]).all()
