"""One depth of a core: which emissions it reads and how late, what it computes, what starts anew."""

from __future__ import annotations

import numpy as np

from backends.lava.core.contracted_gates import ContractedEmission
from backends.lava.core.stage import READOUT, depth_of, roots_of, stage_of
from backends.lava.timing import Timing, timing_of
from backends.lava.validate import magnitude_bounds
from ir.graph import Graph, GraphBuilder
from ir.ops import Add, Delay, Expand, Input, Linear, Past, Sum, Synapse
from ir.ops.integer_neuron import IntegerLif

LIF = IntegerLif(4095, 0, 4, 6, 12, 24)
"""Keeps all of v, fires above 4."""


def shortcut() -> Graph:
    """x -> a -> b, and x to b past a; outputs b and the sum of both populations."""
    b = GraphBuilder("shortcut", 3)
    x = b.add(Input("spike[2]"), name="x")
    a = b.add(LIF, b.add(Synapse(3), x, name="x_a"), name="a")
    last = b.add(LIF, b.add(Synapse(2), a, name="a_b"), b.add(Synapse(-1), x, name="x_b"), name="b")
    return b.build({"b": last, "both": b.add(Add(), a, last, name="both")})


def prepared(graph: Graph, depth: int, emits: tuple[str, ...], contracted=()):
    return stage_of(graph, timed(graph), depth, emits, magnitude_bounds(graph), contracted)


def timed(graph: Graph) -> Timing:
    return timing_of(graph, graph.steps, samples=4, lanes=1)


def spikes(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32).reshape(1, 1, -1)


def test_emissions_have_depths_and_roots():
    graph = shortcut()
    timing = timed(graph)
    assert [depth_of(timing, name) for name in ("x", "a", "b", READOUT + "both")] == [0, 1, 2, 3]
    assert roots_of(graph, "b") == ("a_b", "x_b")
    assert roots_of(graph, READOUT + "both") == ("both",)


def test_a_stage_reads_what_was_emitted_as_many_steps_ago_as_depths_differ():
    graph = shortcut()
    stage = prepared(graph, 2, ("b",))
    assert dict(stage.lags) == {"a": 1, "x": 2}
    assert stage.emits == {"b": "b"}
    assert [name for name, _, _ in stage.instructions] == ["a_b", "x_b", "b"]
    readout = prepared(graph, 3, (READOUT + "both",))
    assert dict(readout.lags) == {"a": 2, "b": 1}
    assert readout.emits == {READOUT + "both": "both"}
    assert readout.compute({"a": spikes(1, 0), "b": spikes(1, 1)})[READOUT + "both"][0, 0].tolist() == [2, 1]


def test_state_is_kept_until_a_reset():
    """2 a - x: v = 2, 4, then 6 > 4, and 2 again after a reset."""
    stage = prepared(shortcut(), 2, ("b",))
    emitted = [stage.compute({"a": spikes(1, 1), "x": spikes(0, 1)})["b"] for _ in range(5)]
    assert [step[0, 0].tolist() for step in emitted] == [[0, 0], [0, 0], [1, 0], [0, 0], [0, 1]]
    stage.reset()
    assert not stage.compute({"a": spikes(1, 1), "x": spikes(0, 1)})["b"].any()
    assert stage.compute({"a": spikes(2, 2), "x": spikes(0, 0)})["b"].all()


def test_projections_with_the_same_weights_are_one_instruction():
    b = GraphBuilder("residual", 1)
    weight = {"weight": b.param("w", np.array([[1, 2], [3, 4]], np.int8))}
    currents = [b.add(Linear(), b.add(Input("spike[2]"), name=name), name=f"l{name}", params=weight) for name in "xz"]
    graph = b.build({"y": b.add(IntegerLif(4095, 4096, 4, 6, 12, 24), *currents, name="y")})
    stage = prepared(graph, 1, ("y",))
    assert [(name, operands) for name, _, operands in stage.instructions] == [("lz", ("x", "z")), ("y", ("lz",))]
    assert stage.compute({"x": spikes(1, 0), "z": spikes(1, 1)})["y"][0, 0].tolist() == [0, 1], "(2 + 2, 6 + 4)"


def test_delays_and_back_edges_are_the_stages_own_and_reset_with_it():
    b = GraphBuilder("loop", 0)
    x = b.add(Input("spike[1]"), name="x")
    back = b.add(Past("y", "spike[1]", 2), name="back")
    late = b.add(Synapse(5), b.add(Delay(1), x, name="late"), name="late_y")
    y = b.add(IntegerLif(4095, 4096, 4, 6, 12, 24), late, b.add(Synapse(5), back, name="again"), name="y")
    stage = prepared(b.build({"y": y}), 1, ("y",))
    assert (len(stage.stateful), len(stage.back_edges)) == (3, 1)
    for _ in range(2):
        emitted = [stage.compute({"x": spikes(step == 0)})["y"].item() for step in range(6)]
        assert emitted == [0, 1, 0, 1, 0, 1], "one step late, and again every second step"
        stage.reset()


def test_gates_that_are_not_materialised_are_factors():
    b = GraphBuilder("gates", 1)
    wide = [
        b.add(Expand((3, 2)), b.add(Input(f"spike[{shape}]"), name=name), name="wide")
        for name, shape in (("p", "3x1"), ("q", "1x2"))
    ]
    gate = b.add(
        IntegerLif(4095, 4096, 1, 6, 12, 24), *(b.add(Synapse(1), value, name="s") for value in wide), name="and"
    )
    graph = b.build({"y": b.add(LIF, b.add(Sum((0,)), gate, name="sum"), name="y")})
    stage = prepared(graph, 1, ("and",), ("and",))
    p, q = np.array([[[[1], [0], [1]]]], np.float32), np.array([[[[0, 1]]]], np.float32)
    emission = stage.compute({"p": p, "q": q})["and"]
    assert isinstance(emission, ContractedEmission)
    assert (emission.a.shape, emission.b.shape) == ((1, 1, 3, 1), (1, 1, 1, 2))
    assert emission.active(1) == 2
