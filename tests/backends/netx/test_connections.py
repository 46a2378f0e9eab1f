"""The wiring between two values as a matrix: what it is a map of, and that it is that map."""

from __future__ import annotations

import numpy as np
import pytest

from backends.netx.connections import connection_matrix, leaves
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Add, Conv, Delay, Input, Linear, Past, Permute, Reshape, Slice
from ir.ops.integer_neuron import IntegerLif


def wired() -> Graph:
    """Images and a vector through routing, a kernel and a matrix into one current, and a delay and a back edge beside them."""
    rng, builder = np.random.default_rng(0), GraphBuilder("net", 5)

    def weight(*shape: int) -> dict[str, str]:
        return {"weight": builder.param("w", rng.integers(-9, 9, shape).astype(np.int16))}

    x, y = builder.add(Input("spike[2x4x3]"), name="x"), builder.add(Input("spike[3x2]"), name="y")
    kernel = builder.add(Conv((1, 1), (0, 1), (1, 1)), x, name="kernel", params=weight(3, 2, 3, 3))
    first = builder.add(Reshape((6, 3)), kernel, name="first")
    turned = builder.add(Permute((1, 0)), builder.add(Slice(0, 0, 2), y, name="slice"), name="turned")
    second = builder.add(Linear(), turned, name="second", params=weight(18, 2))
    rows = builder.add(Reshape((6, 3)), builder.add(Slice(0, 0, 1), second, name="row"), name="rows")
    builder.add(Add(), first, rows, name="current")
    late = builder.add(Delay(2), x, name="late")
    flat = builder.add(Reshape((24,)), late, name="flat")
    own = builder.add(Linear(), builder.add(Past("out", "spike[4]"), name="before"), name="own", params=weight(4, 4))
    current = builder.add(Linear(), flat, name="delayed", params=weight(4, 24))
    builder.add(IntegerLif(4095, 0, 5, 6, 12, 24), current, own, name="out")
    return builder.build({"out": "out", "current": "current"})


def test_leaves_are_what_emits_and_what_remembers():
    graph = wired()
    assert leaves(graph, "current") == ("x", "y")
    assert leaves(graph, "delayed") == ("late",)
    assert leaves(graph, "own") == ("before",)
    assert leaves(graph, "x") == ("x",)


@pytest.mark.parametrize("elements", [30, 4_000_000])
def test_the_matrices_of_the_leaves_add_up_to_the_value(elements: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backends.netx.connections.ELEMENTS_AT_ONCE", elements)
    graph, rng = wired(), np.random.default_rng(1)
    inputs = {node.name: rng.integers(0, 2, (5, 3, *node.type.shape)) for node in graph.inputs}
    value = interpret(graph, inputs)["current"]
    total = sum(inputs[name].reshape(15, -1) @ connection_matrix(graph, "current", name).T for name in inputs)
    assert value.any()
    np.testing.assert_array_equal(total, value.reshape(15, -1))
