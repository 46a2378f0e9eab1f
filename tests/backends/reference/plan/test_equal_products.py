"""Products and counts that are shared, by hand; what is shared is the same on the engine and in the interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from backends.reference.engine import ReferenceEngine
from backends.reference.plan.equal_products import equal_events, equal_products
from backends.reference.plan.execution_plan import plan_of
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Conv, Graded, Input
from ir.ops.integer_neuron import IntegerLif

LIF, CONV = IntegerLif(4095, 2048, 9, 6, 12, 24), Conv((1,), (1,), (1,))
WEIGHTS = np.random.default_rng(0).integers(-9, 10, (2, 2, 3)).astype(np.int8)


def stream() -> Graph:
    """Three populations read one another and %x: twice by the same kernel, once by another one, and one by a wider one."""
    b = GraphBuilder("stream", 4)
    value, arrays = b.add(Input("spike[2x5]"), name="x"), {"same": WEIGHTS, "equal": WEIGHTS.copy(), "other": -WEIGHTS}
    for name in ("other", "same", "equal"):
        weight = {"weight": b.param(name, arrays[name])}
        currents = [
            b.add(CONV, source, name=f"{name}_{source}", params=weight) for source in dict.fromkeys(("x", value))
        ]
        value = b.add(LIF, *currents, name=f"n_{name}")
    weight = {"weight": b.param("wide", np.concatenate([WEIGHTS, WEIGHTS]))}
    wide = b.add(Graded(16), b.add(CONV, "x", name="wide", params=weight), name="n_wide")
    return b.build({"y": value, "wide": wide})


def test_equal_weights_on_the_same_value_make_one_product():
    products = equal_products(stream(), without=())
    assert products == {"same_x": "same_x", "equal_x": "same_x"}
    assert equal_products(stream(), without={"same_x"}) == {}


def test_as_many_taps_on_the_same_value_have_as_many_events():
    graph = stream()
    everything = [name for name, node in graph.nodes.items() if node.op.family == "projection"]
    assert equal_events(graph, everything) == {"same_x": "other_x", "equal_x": "other_x"}
    assert equal_events(graph, ["same_x", "equal_x"]) == {"equal_x": "same_x"}


def test_a_product_is_kept_until_its_last_reader_and_counted_once():
    plan = plan_of(stream(), frozenset())
    forgotten = {step.node.name: step.forget for step in plan.steps}
    assert [name for name, values in forgotten.items() if "same_x" in values] == ["n_equal"]
    counted = [name for step in plan.steps for name in step.arrivals]
    assert "other_x" in counted
    assert not {"same_x", "equal_x"} & set(counted)


@pytest.mark.parametrize("batch", [1, 40])
def test_what_is_shared_is_what_every_reader_would_have_made(batch: int):
    graph, spikes = stream(), np.random.default_rng(1).integers(0, 2, (4, batch, 2, 5)).astype(np.uint8)
    trace = ReferenceEngine(graph, "cpu").run({"x": spikes}, ("n_same",))
    values: dict[str, np.ndarray] = {}
    wanted = interpret(graph, {"x": spikes.astype(np.int64)}, lambda node, value: values.update({node.name: value}))
    for name, value in trace.outputs.items():
        np.testing.assert_array_equal(value, wanted[name])
    for name, events in trace.events.synaptic.items():
        node = graph.nodes[name]
        ones = {"weight": np.ones_like(graph.arrays(node)["weight"], np.int64)}
        assert events == CONV.run(((values[node.inputs[0]] != 0).astype(np.int64),), ones, 4).sum(), name
