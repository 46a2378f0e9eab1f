"""Loops share a depth, delays cost none, and everything that walks the graph ends: against walks over all paths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir.analysis.components import components
from ir.analysis.ranges import UNBOUNDED, magnitudes
from ir.analysis.schedule import schedule
from ir.analysis.wiring import behind_routing, wiring_of
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Add, Delay, Graded, Input, Lif, Linear, Past, Synapse


def loop(length: int, delay: int = 0) -> Graph:
    """x -> p0 -> ... -> p(length - 1) -> p0, a delay in front of p1; a reader behind the loop and a shortcut into it."""
    b = GraphBuilder("loop", 3)
    x = b.add(Input("spike[2]"), name="x")
    value = b.add(Past(f"p{length - 1}", "spike[2]"), name="back")
    for place in range(length):
        if place == 1 and delay:
            value = b.add(Delay(delay), value, name="late")
        value = b.add(Lif(0.5), b.add(Synapse(), value, name="s"), b.add(Synapse(), x, name="d"), name=f"p{place}")
    out = b.add(Lif(0.5), b.add(Synapse(), value, name="s"), b.add(Synapse(), x, name="short"), name="out")
    return b.build({"y": out})


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_loop_shares_its_depth(length: int):
    plan = schedule(loop(length))
    assert {plan.depth[f"p{place}"] for place in range(length)} == {1}
    assert (plan.depth["out"], plan.loop_steps) == (2, length)
    assert plan.delays[("x", "out")] == 1
    assert min(plan.delays.values()) == 0


def test_a_delay_costs_no_depth_and_cuts_the_sequence():
    plan = schedule(loop(5, delay=3))
    assert (plan.depth["out"], plan.loop_steps) == (2, 4)
    assert wiring_of(loop(5, delay=3)).sources["s_2"] == ("p0",)


def test_two_loops_in_a_row_are_two():
    b = GraphBuilder("two", 3)
    value = b.add(Input("spike[2]"), name="x")
    for name in "abc":
        back = b.add(Past(name, "spike[2]"), name=f"back_{name}")
        value = b.add(Lif(0.5), *(b.add(Synapse(), source, name="s") for source in (value, back)), name=name)
    plan = schedule(b.build({"y": value}))
    assert (dict(plan.depth), plan.loop_steps) == ({"x": 0, "a": 1, "b": 2, "c": 3}, 1)


def test_a_back_edge_without_a_loop_is_a_delay():
    b = GraphBuilder("none", 3)
    back = b.add(Past("x", "spike[2]", 2), name="back")
    early = b.add(Lif(0.5), b.add(Synapse(), back, name="s"), name="early")
    b.add(Input("spike[2]"), name="x")
    graph = b.build({"y": early})
    assert dict(schedule(graph).depth) == {"x": 0, "early": 1}
    assert behind_routing(graph, "back") == ("x",)


def test_a_ring_of_routing_comes_from_nowhere():
    b = GraphBuilder("ring", 3)
    x = b.add(Input("spike[2]"), name="x")
    one = b.add(Past("two", "spike[2]"), name="one")
    b.add(Past("one", "spike[2]"), name="two")
    both = b.add(Lif(0.5), *(b.add(Synapse(), source, name="s") for source in (one, x)), name="both")
    lone = b.add(Lif(0.5), b.add(Synapse(), one, name="s"), name="lone")
    graph = b.build({"both": both, "lone": lone, "ring": one})
    assert behind_routing(graph, "one") == ()
    plan = schedule(graph)
    assert (plan.depth["both"], plan.depth["lone"], plan.outputs["ring"]) == (1, 1, 1)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14))
def test_components_are_mutual_reach_in_order(edges: list[tuple[int, int]]):
    readers = {str(n): [str(b) for a, b in edges if a == n] for n in range(7)}
    reach = np.eye(7, dtype=bool)
    for a, b in edges:
        reach[a, b] = True
    for _ in range(7):
        reach = reach @ reach
    found = components(readers)
    place = {name: index for index, members in enumerate(found) for name in members}
    assert sorted(name for members in found for name in members) == sorted(readers)
    for a in range(7):
        for b in range(7):
            assert (place[str(a)] == place[str(b)]) == bool(reach[a, b] and reach[b, a])
            assert not reach[a, b] or place[str(a)] <= place[str(b)]


def test_bounds_of_back_edges():
    b = GraphBuilder("bounds", 0)
    x = b.add(Input("spike[2]"), name="x")
    payload = b.add(Past("g", "graded<4>[2]"), name="payload")
    current = b.add(Past("add", "current[2]"), name="current")
    again = b.add(Past("current", "current[2]"), name="again")
    ring = b.add(Past("ring_add", "current[2]"), name="ring")
    weight = b.param("w", np.array([[3, -2], [0, 1]], np.int8))
    add = b.add(
        Add(), b.add(Linear(), payload, name="l", params={"weight": weight}), b.add(Synapse(7), x, name="s"), name="add"
    )
    g = b.add(Graded(4), add, current, again, name="g")
    grows = b.add(Graded(9), b.add(Add(), b.add(Synapse(1), x, name="t"), ring, name="ring_add"), name="grows")
    graph = b.build({"g": g, "grows": grows, "late": b.add(Graded(9), b.add(Delay(4), add, name="late"), name="h")})
    bounds = magnitudes(graph)
    assert [bounds[name] for name in ("payload", "l", "add", "current", "again", "late")] == [8, 40, 47, 47, 47, 47]
    assert bounds["ring"] == UNBOUNDED
    seen: dict[str, int] = {}
    inputs = {"x": np.random.default_rng(0).integers(0, 2, (40, 5, 2))}
    interpret(graph, inputs, lambda node, value: seen.__setitem__(node.name, int(np.abs(value).max())))
    assert all(seen[name] <= bounds[name] for name in graph.nodes)
