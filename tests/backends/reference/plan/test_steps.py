"""The steps of a plan: what adds up in a population, which events it counts, what is forgotten after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backends.reference.plan.execution_plan import plan_of
from backends.reference.plan.loop_blocks import ordered
from backends.reference.plan.steps import steps_of
from ir.graph import Graph, GraphBuilder
from ir.ops import Gate, Input, Linear, Permute, Synapse
from ir.ops.integer_neuron import IntegerLif

LIF = IntegerLif(4095, 2048, 9, 6, 12, 24)


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
    assert sorted([*arrivals, *plan.fan_outs, *plan.equal_events]) == sorted(projections)


def test_nothing_is_forgotten_before_its_last_reader(network):
    graph, _ = network(6, "plain", "residual", "comb", "analog_gate")
    forgotten: set[str] = set()
    for step in plan_of(graph, frozenset()).steps:
        read = {name for term in (*step.terms, *step.enables) for name in term.projections}
        assert not {graph.nodes[name].inputs[0] for name in read} & forgotten
        forgotten |= set(step.forget)
    assert forgotten
    assert not forgotten & set(graph.outputs.values())


def chain() -> Graph:
    """x -> a -> b, behind a turn and opened by x -> gate; one synapse of a feeds b and c."""
    b = GraphBuilder("chain", 1)
    x = b.add(Input("spike[2x2]"), name="x")
    a = b.add(LIF, b.add(Synapse(), x, name="x_a"), name="a")
    shared = b.add(Synapse(), a, name="a_bc")
    population = b.add(LIF, shared, name="b")
    b.add(LIF, shared, name="c")
    weight = b.param("w", np.eye(2, dtype=np.int8))
    turned = b.add(
        Permute((1, 0)), b.add(Linear(), population, name="b_gate", params={"weight": weight}), name="turned"
    )
    opening = b.add(Synapse(), x, name="open")
    return b.build({"gate": b.add(Gate(8), turned, opening, name="gate"), "c": "c"})


def test_steps_by_hand():
    graph = chain()
    order, _ = ordered(graph)
    steps = {step.node.name: step for step in steps_of(graph, order, {"x_a"}, {}, {}, {})}
    assert list(steps) == ["a", "b", "c", "gate"]
    assert [term.projections for term in steps["gate"].terms] == [("b_gate",)]
    assert [term.operand for term in steps["gate"].terms] == ["turned"], "added where it comes out of the routing"
    assert [term.projections for term in steps["gate"].enables] == [("open",)]
    assert {name: step.arrivals for name, step in steps.items()} == {
        "a": (),
        "b": ("a_bc",),
        "c": (),
        "gate": ("b_gate", "open"),
    }
    assert {name: step.forget for name, step in steps.items()} == {"a": (), "b": (), "c": ("a",), "gate": ("x", "b")}


def test_what_a_population_that_is_not_materialised_is_computed_from_lives_on():
    graph = replace(chain(), outputs={"c": "c"})
    order, _ = ordered(graph)
    steps = {step.node.name: step for step in steps_of(graph, order, (), {"gate": ("a", "x")}, {}, {})}
    assert "a" not in steps["c"].forget
    assert "a" in steps["gate"].forget
