"""What the engine merges, what it never writes out, and what it keeps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backends.reference.plan.execution_plan import plan_of
from ir.graph import Graph, GraphBuilder
from ir.ops import Graded, Input, Lif, Linear, Slice, Synapse
from ir.ops.integer_neuron import IntegerLif


def test_attention_gates_are_not_written_out(network):
    graph, _ = network(3, "attention", "time_coded")
    contracted = plan_of(graph, frozenset()).contracted
    assert {graph.nodes[name].op.kind for name in contracted} == {"integer_lif", "gate"}
    assert set(contracted) == {"and", "gate", "and_2", "micro_and"}


@pytest.mark.parametrize("name", ["and", "gate", "micro_and"])
def test_what_is_probed_is_written_out(network, name):
    graph, _ = network(3, "attention", "time_coded")
    assert name not in plan_of(graph, frozenset({name})).contracted


def test_what_is_an_output_is_written_out(network):
    graph, _ = network(3, "attention")
    shown = Graph(graph.name, graph.steps, graph.nodes, {**graph.outputs, "gates": "and"}, graph.params)
    assert "and" not in plan_of(shown, frozenset()).contracted


def test_only_a_true_and_is_a_product(network):
    graph, _ = network(3, "attention")
    node = graph.nodes["and"]
    for op in (
        IntegerLif(4095, 4095, 0, 6, 12, 24),
        IntegerLif(4095, 0, 1, 6, 12, 24),
        IntegerLif(-1, 4095, 1, 6, 12, 24),
    ):
        changed = {
            **graph.nodes,
            "and": type(node)(node.name, op, node.inputs, node.type, node.params, node.provenance),
        }
        assert (
            "and"
            not in plan_of(Graph(graph.name, graph.steps, changed, graph.outputs, graph.params), frozenset()).contracted
        )


def wide() -> Graph:
    """Two sources into one population, one of them through a cut: weights of up to 100 and -120, a bias of -7."""
    b = GraphBuilder("wide", 3)
    x, p = b.add(Input("spike[6]"), name="x"), b.add(Input("graded<5>[4]"), name="p")
    cut = b.add(Slice(0, 1, 5), x, name="cut")
    weights = [b.param(name, np.array([[1, -2, 100, 3]] * 2, np.int8) * sign) for name, sign in (("w", 1), ("v", -1))]
    b_ = {"bias": b.param("b", np.array([-7, 3], np.int32))}
    currents = [
        b.add(Linear(), source, name=name, params={"weight": weight})
        for source, name, weight in ((cut, "l", weights[0]), (p, "k", weights[1]))
    ]
    y = b.add(IntegerLif(4095, 2048, 9, 6, 12, 24), *currents, name="y", params=b_)
    return b.build({"y": y, "g": b.add(Graded(9), currents[1], name="g")})


def test_what_a_plan_knows_of_its_numbers():
    plan = plan_of(wide(), frozenset())
    (step,) = (step for step in plan.steps if step.node.name == "y")
    assert plan.integer
    assert not plan.loops
    assert [plan.largest(name) for name in "wvb"] == [100, 100, 7]
    assert (plan.largest_bias(plan.graph.nodes["y"]), plan.largest_bias(plan.graph.nodes["g"])) == (7, 0)
    assert plan.bound(step.terms) == 106 + 16 * 106, "a spike over every synapse, and payloads of up to -16"
    assert plan.widest == 6
    assert plan.updates == {"y": 2, "g": 2}
    assert plan.arriving_synapses == {"l": 2}, "of the cut input; the other source says all by its spikes"
    assert [node.name for node in plan.readers["k"]] == ["y", "g"]


def test_dtypes_of_integers_and_of_the_sources_arithmetic():
    integers = plan_of(wide(), frozenset())
    y, g, x = (integers.graph.nodes[name] for name in "ygx")
    assert (integers.definition_dtype, integers.is_wide) == (torch.int64, False)
    assert [integers.travel_dtype(node.type) for node in (x, y, g)] == [torch.uint8, torch.uint8, torch.float32]
    assert [integers.stored_dtype(node) for node in (y, g)] == [torch.uint8, torch.int32]
    for dtype in ("float32", "float64"):
        b = GraphBuilder("real", 3, dtype=dtype)
        source = b.add(Input("spike[2]"), name="x")
        current = b.add(Synapse(0.5), source, name="s")
        graph = b.build({"y": b.add(Lif(0.5), current, name="y"), "g": b.add(Graded(24), current, name="g")})
        plan, kind = plan_of(graph, frozenset()), getattr(torch, dtype)
        assert (plan.real_dtype, plan.definition_dtype, plan.is_wide) == (kind, kind, dtype == "float64")
        assert {plan.travel_dtype(node.type) for node in graph.nodes.values()} == {kind}
        assert [plan.stored_dtype(graph.nodes[name]) for name in "yg"] == [torch.uint8, kind]
        assert plan.bounds == {}
