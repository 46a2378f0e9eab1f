"""Depths are longest paths, found here by walking every path; delays make every path into a population equally long."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ir.analysis.schedule import schedule
from ir.graph import Graph, GraphBuilder
from ir.ops import Add, Burst, Concat, Delay, Gate, Input, Lif, Past, Permute, Slice, Sum, Synapse


@st.composite
def graphs(draw) -> Graph:
    """Random populations on any two earlier ones, with routing before and after the projection."""
    b = GraphBuilder("g", 2)
    values = [b.add(Input("spike[2x2]"), name=name) for name in ("x", "y")]
    for _ in range(draw(st.integers(1, 9))):
        first, second = (draw(st.sampled_from(values)) for _ in range(2))
        first = second if b.type(first).domain != b.type(second).domain else first
        joined = b.add(Concat(0), first, second, name="join")
        cut = b.add(Slice(0, 1, 3), b.add(Synapse(), joined, name="syn"), name="cut")
        turned = b.add(Synapse(), b.add(Permute((1, 0)), second, name="turn"), name="syn")
        values.append(b.add(draw(st.sampled_from([Lif(0.5), Gate(8)])), cut, turned, name="pop"))
    return b.build({f"y{place}": name for place, name in enumerate(values[2:])})


def longest_path(graph: Graph, name: str) -> int:
    """Projections on the longest path from any input, by walking all of them."""
    node = graph.nodes[name]
    steps = 1 if node.op.family == "projection" else 0
    return steps + max((longest_path(graph, source) for source in node.inputs), default=0)


def sources(graph: Graph, name: str):
    """The populations at the start of every path to a value."""
    node = graph.nodes[name]
    if node.op.family in ("neuron", "input"):
        yield node.name
        return
    for source in node.inputs:
        yield from sources(graph, source)


@given(graphs())
def test_depths_are_longest_paths(graph):
    plan = schedule(graph)
    emitting = [node.name for node in graph.nodes.values() if node.op.family in ("neuron", "input")]
    assert dict(plan.depth) == {name: longest_path(graph, name) for name in emitting}
    assert plan.latency == max([*plan.depth.values(), *plan.outputs.values()])


@given(graphs())
def test_delays_align_all_paths(graph):
    plan = schedule(graph)
    edges = {
        (source, node.name)
        for node in graph.nodes.values()
        if node.op.family == "neuron"
        for value in node.inputs
        for source in sources(graph, value)
    }
    assert set(plan.delays) == edges
    for (source, target), delay in plan.delays.items():
        assert delay >= 0
        assert plan.depth[source] + 1 + delay == plan.depth[target]


def test_outputs_follow_their_sources():
    b = GraphBuilder("g", 1)
    x = b.add(Input("spike[2]"), name="x")
    pop = b.add(Lif(0.5), b.add(Synapse(), x, name="s"), name="pop")
    plan = schedule(b.build({"bare": pop, "merged": b.add(Add(), x, pop, name="m"), "input": x}))
    assert dict(plan.outputs) == {"bare": 1, "merged": 2, "input": 1}


def test_micro_steps_are_reported():
    b = GraphBuilder("g", 1)
    burst = b.add(Burst(5), b.add(Synapse(), b.add(Input("spike[2]"), name="x"), name="s"), name="burst")
    out = b.add(Lif(0.5), b.add(Sum((0,), micro=5), burst, name="sum"), name="out")
    assert schedule(b.build({"y": out})).micro_steps == 5


def chain(length: int) -> Graph:
    """A chain with a shortcut from the input to its end."""
    b = GraphBuilder("g", 1)
    x = value = b.add(Input("spike[1x3]"), name="x")
    for place in range(length):
        value = b.add(Lif(0.5), b.add(Synapse(), value, name="s"), name=f"p{place}")
    end = b.add(Lif(0.5), b.add(Synapse(), value, name="s"), b.add(Synapse(), x, name="short"), name="end")
    return b.build({"y": end})


def test_shortcuts_wait():
    plan = schedule(chain(9))
    assert plan.max_delay == 9
    assert plan.synaptic["x", "short"] == plan.delays["x", "end"] == 9


def test_synapses_that_wait_make_their_readers_later():
    b = GraphBuilder("g", 1)
    x = b.add(Input("spike[2]"), name="x")
    late = b.add(Lif(0.5), b.add(Synapse(delay=5), x, name="slow"), b.add(Synapse(), x, name="fast"), name="late")
    plan = schedule(b.build({"y": late}))
    assert dict(plan.depth) == {"x": 0, "late": 6}
    assert dict(plan.synaptic) == {("x", "slow"): 5, ("x", "fast"): 5}


def test_delay_lines_on_both_sides_of_a_projection_add_to_what_a_shortcut_waits():
    b = GraphBuilder("g", 1)
    x = b.add(Input("spike[2]"), name="x")
    steps = b.param("steps", np.array([1, 4]))
    deep = b.add(Lif(0.5), b.add(Synapse(), x, name="s"), name="deep")
    line = b.add(Delay(), b.add(Delay(2), x, name="two"), name="many", params={"steps": steps})
    late = b.add(Delay(3), b.add(Synapse(), line, name="w"), name="three")
    back = b.add(Synapse(), b.add(Past("end", "spike[2]", 3), name="past"), name="back")
    end = b.add(Lif(0.5), late, b.add(Synapse(), deep, name="d"), back, name="end")
    plan = schedule(b.build({"y": end}))
    assert plan.synaptic["x", "w"] == 2 + 4 + 3 + 1
    assert plan.synaptic["end", "back"] == 3 - 1  # a synapse's own step is one of the model's
    assert plan.delays["x", "end"] == 1
