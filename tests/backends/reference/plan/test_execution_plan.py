"""What the engine merges, what it never writes out, and what it keeps."""

from __future__ import annotations

import pytest

from backends.reference.plan.execution_plan import plan_of
from ir.graph import Graph
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


@pytest.mark.parametrize("integer", [True, False])
def test_residual_duplicates_merge_where_that_rounds_nothing(network, integer):
    graph, _ = network(4, "residual", integer=integer)
    step = next(step for step in plan_of(graph, frozenset()).steps if step.node.name == "lif_2")
    groups = [term.projections for term in step.terms]
    assert groups == ([("res", "res_2")] if integer else [("res",), ("res_2",)])


def test_every_projection_is_counted_once(network):
    graph, _ = network(6, "shared", "residual", "attention", "analog_gate")
    plan = plan_of(graph, frozenset())
    arrivals = [name for step in plan.steps for name in step.arrivals]
    projections = [name for name, node in graph.nodes.items() if node.op.family == "projection"]
    assert sorted([*arrivals, *plan.fan_outs]) == sorted(projections)


def test_nothing_is_forgotten_before_its_last_reader(network):
    graph, _ = network(6, "plain", "residual", "comb", "analog_gate")
    forgotten: set[str] = set()
    for step in plan_of(graph, frozenset()).steps:
        read = {name for term in (*step.terms, *step.enables) for name in term.projections}
        assert not {graph.nodes[name].inputs[0] for name in read} & forgotten
        forgotten |= set(step.forget)
    assert forgotten
    assert not forgotten & set(graph.outputs.values())
