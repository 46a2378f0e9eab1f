"""A lowered network as vectors, matrices and neurons: which nodes and edges, and what they say of themselves."""

from __future__ import annotations

import json
from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.writing.plain_build import PlainBuild
from ir.graph import GraphBuilder, Provenance
from ir.ops import Add, Burst, Delay, Input, Lif, Linear, Op, Past, Reshape, Synapse

W = np.arange(8.0, dtype=np.float32).reshape(2, 4)


class Net:
    """Two inputs, `a` (4,) and `b` (2, 2)."""

    def __init__(self) -> None:
        self.builder = GraphBuilder("net", 3)
        self.a = self.builder.add(Input("spike[4]"), name="a")
        self.b = self.builder.add(Input("real[2x2]"), name="b")

    def add(self, op: Op, *values: str, name: str, **params: Any) -> str:
        stored = {
            role: self.builder.param(f"{name}.{role}", np.asarray(array, np.float32)) for role, array in params.items()
        }
        return self.builder.add(op, *values, name=name, params=stored, provenance=Provenance(f"net.{name}"))

    def plain(self, delays: bool = False, **outputs: str) -> tuple[nir.NIRGraph, list[tuple[str, str]]]:
        build = PlainBuild(self.builder.build(outputs), delays)
        return build.network(), build.late


@pytest.fixture
def net() -> Net:
    return Net()


def test_inputs_and_outputs_are_vectors(net: Net) -> None:
    flat = net.add(Reshape((4,)), net.b, name="flat")
    graph, _ = net.plain(a=net.a, y=flat)
    assert graph.nodes["b"].input_type["input"].tolist() == [4]
    assert {name: graph.nodes[name].metadata["domain"] for name in "ab"} == {"a": "spike", "b": "real"}
    assert set(graph.edges) == {("a", "a_output"), ("b", "y")}
    assert graph.nodes["y"].output_type["output"].tolist() == [4]


def test_the_file_says_what_its_numbers_mean(net: Net) -> None:
    metadata = net.plain(y=net.a)[0].metadata
    assert (metadata["generator"], metadata["steps"], metadata["dtype"], metadata["dt"]) == (
        "spike-compiler plain",
        "3",
        "float32",
        "1.0",
    )
    assert json.loads(metadata["semantics"])["time_unit"] == "step"


def test_unit_wires_are_edges_and_others_have_a_node(net: Net) -> None:
    half = net.add(Synapse(0.5), net.add(Reshape((4,)), net.b, name="flat"), name="half")
    lif = net.add(Lif(decay=0.5), net.add(Add(), net.a, half, name="sum"), name="lif")
    graph, _ = net.plain(y=lif)
    assert set(graph.edges) == {("a", "lif"), ("b", "lif.from.b"), ("lif.from.b", "lif"), ("lif", "y")}
    assert graph.nodes["lif.from.b"].scale.tolist() == [0.5] * 4


def test_a_bias_goes_with_the_first_matrix_or_makes_one(net: Net) -> None:
    matrix = net.add(Linear(), net.a, name="w", weight=W, bias=[1, 2])
    graph, _ = net.plain(y=net.add(Lif(decay=0.5), matrix, name="lif", bias=[10, 20]))
    node = graph.nodes["lif.from.a"]
    assert isinstance(node, nir.Affine)
    assert (node.weight.tolist(), node.bias.tolist()) == (W.tolist(), [11, 22])
    wire = net.add(Lif(decay=0.5), net.add(Synapse(), net.a, name="wire"), name="biased", bias=[1, 2, 3, 4])
    node = net.plain(y=wire)[0].nodes["biased.from.a"]
    assert (node.weight.tolist(), node.bias.tolist()) == (np.eye(4).tolist(), [1, 2, 3, 4])


def test_sums_at_outputs_have_a_node_of_their_own(net: Net) -> None:
    total = net.add(Add(), net.a, net.add(Reshape((4,)), net.b, name="flat"), name="total")
    graph, _ = net.plain(total=total)
    assert set(graph.edges) == {("a", "total.sum"), ("b", "total.sum"), ("total.sum", "total")}
    assert graph.nodes["total.sum"].weight.tolist() == np.eye(4).tolist()


def test_thresholds_are_strict_and_say_what_they_were(net: Net) -> None:
    """Multiples of 1 / 2^3 after three halvings: half a unit is 1 / 16."""
    lif = net.add(Lif(decay=0.5), net.add(Synapse(), net.a, name="wire"), name="lif")
    strict = net.add(
        Lif(decay=0.5, comparator=">", threshold=0.75), net.add(Synapse(), net.a, name="w2"), name="strict"
    )
    graph, _ = net.plain(y=lif, z=strict)
    assert graph.nodes["lif"].v_threshold.tolist() == [1 - 1 / 16] * 4
    about = graph.nodes["lif"].metadata
    assert (about["module"], about["source_threshold"], about["source_comparator"]) == ("net.lif", "1.0", ">=")
    assert "exact" in about["threshold_is"]
    assert graph.nodes["strict"].v_threshold.tolist() == [0.75] * 4
    assert graph.nodes["strict"].metadata["threshold_is"] == "strict in the source"


def test_thresholds_on_values_are_the_next_float(net: Net) -> None:
    lif = net.add(Lif(decay=0.5), net.b, name="lif")
    threshold = net.plain(y=lif)[0].nodes["lif"].v_threshold
    assert (threshold == np.nextafter(np.float32(1), np.float32(0))).all()


def test_memoryless_neurons_are_lifs_of_one_step(net: Net) -> None:
    gate = net.add(Lif(decay=1.0, form="sum", threshold=2.0), net.a, net.a, name="gate")
    node = net.plain(y=gate)[0].nodes["gate"]
    assert isinstance(node, nir.LIF)
    assert (node.tau.tolist(), node.r.tolist(), node.v_threshold.tolist()) == ([1] * 4, [1] * 4, [1.5] * 4)


def test_a_burst_is_a_neuron_for_every_count(net: Net) -> None:
    counts = net.add(Linear(), net.a, name="n", weight=np.ones((2, 4)))
    graph, _ = net.plain(y=net.add(Burst(3), counts, name="burst", bias=[0, 1]))
    node = graph.nodes["burst.from.a"]
    assert node.weight.tolist() == np.ones((6, 4)).tolist()
    assert node.bias.tolist() == [0, 1, -1, 0, -2, -1], "n - m, one micro-step after another"
    assert graph.nodes["burst"].v_threshold.tolist() == [0.5] * 6


def test_delays_are_nodes(net: Net) -> None:
    same, each = net.add(Delay(2), net.b, name="same"), net.add(Delay(), net.a, name="each", steps=[1, 2, 3, 4])
    graph, _ = net.plain(y=same, z=each)
    assert graph.nodes["same"].delay.tolist() == [2] * 4
    assert graph.nodes["each"].delay.tolist() == [1, 2, 3, 4]
    assert ("b", "same") in graph.edges


def loop(net: Net, steps: int = 1) -> str:
    past = net.add(Past("lif", "spike[4]", steps), name="past")
    back = net.add(Synapse(-1.0), past, name="back")
    return net.add(Lif(decay=0.5), net.add(Synapse(), net.a, name="in"), back, name="lif")


def test_loops_of_one_step_are_edges_and_longer_ones_delays(net: Net) -> None:
    graph, late = net.plain(y=loop(net))
    assert late == [("lif", "lif.from.past")]
    assert ("lif.from.past", "lif") in graph.edges
    assert "past" not in graph.nodes
    for delays, steps in ((True, 1), (False, 2)):
        other = Net()
        graph, late = other.plain(delays, y=loop(other, steps))
        assert graph.nodes["past"].delay.tolist() == [steps] * 4
        assert {("lif", "past"), ("past", "lif.from.past")} <= set(graph.edges)
        assert late == []


def test_edges_are_never_doubled(net: Net) -> None:
    past = net.add(Past("lif", "spike[4]"), name="past")
    graph, _ = net.plain(y=net.add(Lif(decay=0.5), net.a, past, past, name="lif"))
    assert len(set(graph.edges)) == len(graph.edges)
    assert graph.nodes["lif.from.past"].scale.tolist() == [2] * 4
    other = Net()
    twice = [other.add(Past("lif", "spike[4]"), name=name) for name in ("one", "two")]
    graph, late = other.plain(y=other.add(Lif(decay=0.5), other.a, *twice, name="lif"))
    assert late == [("lif", "lif"), ("lif", "lif.from.two")]
    assert len(set(graph.edges)) == len(graph.edges)
