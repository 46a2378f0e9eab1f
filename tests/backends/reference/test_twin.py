"""The twin puts sums of spikes together itself, so that what a trace cuts off shows in the comparison; all else is the engine's."""

from __future__ import annotations

import numpy as np
import pytest

from backends.reference.engine import ReferenceEngine
from backends.reference.plan import execution_plan
from backends.reference.twin import ReferenceTwin
from ir.graph import GraphBuilder
from ir.ops import Add, Delay, Input, Synapse
from ir.ops.integer_neuron import IntegerLif


def spiking(b: GraphBuilder, x: str, name: str) -> str:
    """A population that repeats spikes."""
    return b.add(IntegerLif(4095, 0, 1, 6, 12, 24), b.add(Synapse(64), x, name=f"to_{name}"), name=name)


def test_what_a_trace_cuts_off_is_whole_in_the_twins(monkeypatch: pytest.MonkeyPatch):
    b = GraphBuilder("many", 1)
    y = spiking(b, b.add(Input("spike[2]"), name="x"), "y")
    graph = b.build({"sum": b.add(Add(), *[y] * 256, name="sum")})
    inputs, whole = {"x": np.array([[[0, 1], [1, 0]]])}, [[[0, 256], [256, 0]]]
    assert ReferenceEngine(graph, "cpu").run(inputs).outputs["sum"].tolist() == whole
    monkeypatch.setattr(execution_plan, "trace_dtype", lambda graph, type_: np.uint8)
    assert ReferenceEngine(graph, "cpu").run(inputs).outputs["sum"].tolist() == [[[0, 0], [0, 0]]]
    assert ReferenceTwin(graph, "cpu").run(inputs).outputs["sum"].tolist() == whole


def test_all_else_is_the_engines():
    b = GraphBuilder("late", 4)
    x = b.add(Input("spike[3]"), name="x")
    y, z = spiking(b, x, "y"), spiking(b, x, "z")
    graph = b.build({"sums": b.add(Add(), y, b.add(Delay(1), z, name="late"), name="sums"), "y": y})
    inputs = {"x": (np.random.default_rng(1).random((4, 5, 3)) < 0.7).astype(np.uint8)}
    found, wanted = ReferenceTwin(graph, "cpu").run(inputs, ("x",)), ReferenceEngine(graph, "cpu").run(inputs, ("x",))
    assert (found.events, found.emissions.keys()) == (wanted.events, {"x"})
    assert (list(found.outputs), wanted.outputs["sums"].max()) == (["sums", "y"], 2)
    assert all(np.array_equal(found.outputs[name], wanted.outputs[name]) for name in wanted.outputs)
    assert found.outputs["y"].dtype == np.uint8, "of spikes there is nothing to put together"
