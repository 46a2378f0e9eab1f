"""Graphs run node by node: the same on numpy and torch, everything watched in order, and nothing kept that nobody reads."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch

from ir.graph import Graph, GraphBuilder, Node
from ir.interpreter import interpret, parameter_like
from ir.ops import Add, Input, Linear, Past, Scale, TimeSum
from ir.ops.base import Value

WEIGHT = np.array([[1.0, 2.0], [0.0, -1.0]], np.float32)


def chain(steps: int = 2) -> Graph:
    """out = 3 W x + s, and the sum of x over the window."""
    builder = GraphBuilder("chain", steps)
    x, s = builder.add(Input("real[2]"), name="x"), builder.add(Input("real[2] static"), name="s")
    mapped = builder.add(Linear(), x, name="mapped", params={"weight": builder.param("w", WEIGHT)})
    out = builder.add(Add(), builder.add(Scale(3.0), mapped, name="scaled"), s, name="out")
    return builder.build({"out": out, "total": builder.add(TimeSum(), x, name="total")})


INPUTS = {
    "x": np.array([[[1.0, 2.0]], [[3.0, 4.0]], [[5.0, 6.0]]], np.float32),
    "s": np.array([[[10.0, 20.0]]], np.float32),
}


@pytest.mark.parametrize("wrap", [np.asarray, torch.as_tensor])
def test_a_chain_by_hand(wrap: Callable[[np.ndarray], Value]):
    inputs = {"x": wrap(INPUTS["x"][:2]), "s": wrap(INPUTS["s"])}
    outputs = interpret(chain(), inputs)
    assert list(outputs) == ["out", "total"]
    assert all(type(value) is type(inputs["x"]) for value in outputs.values())
    assert np.asarray(outputs["out"]).tolist() == [[[25.0, 14.0]], [[43.0, 8.0]]]
    assert np.asarray(outputs["total"]).tolist() == [[[4.0, 6.0]]]


def test_a_streaming_network_runs_as_long_as_its_inputs():
    outputs = interpret(chain(steps=0), INPUTS)
    assert outputs["out"].shape == (3, 1, 2)
    assert outputs["total"].tolist() == [[[9.0, 12.0]]]


def test_every_node_is_watched_in_order_with_its_value():
    watched: dict[str, Value] = {}

    def watch(node: Node, value: Value) -> None:
        watched[node.name] = value

    outputs = interpret(chain(), {"x": INPUTS["x"][:2], "s": INPUTS["s"]}, watch)
    assert list(watched) == ["x", "s", "mapped", "scaled", "out", "total"]
    assert watched["out"] is outputs["out"]
    assert np.array_equal(watched["scaled"], 3 * watched["mapped"])


def test_a_value_is_let_go_behind_its_last_reader():
    alive: dict[str, weakref.ref[np.ndarray]] = {}
    living: dict[str, list[str]] = {}

    def watch(node: Node, value: Value) -> None:
        alive[node.name] = weakref.ref(value)
        del value
        gc.collect()
        living[node.name] = [name for name, reference in alive.items() if reference() is not None]

    inputs = {"x": INPUTS["x"][:2].copy(), "s": INPUTS["s"].copy()}
    interpret(chain(), inputs, watch)
    assert "mapped" in living["scaled"]
    assert "mapped" not in living["out"]
    assert "scaled" not in living["total"]
    assert "out" in living["total"], "an output is kept to the end"


def test_a_loop_reads_what_was_a_step_before():
    """y[t] = x[t] + y[t - 1]: the running sum."""
    builder = GraphBuilder("loop", 0)
    x = builder.add(Input("real[2]"), name="x")
    back = builder.add(Past("y", "real[2]"), name="back")
    builder.add(Add(), x, back, name="y")
    graph = builder.build({"y": "y", "twice": builder.add(Scale(2.0), "y", name="twice")})
    watched: list[str] = []
    outputs = interpret(graph, {"x": INPUTS["x"]}, lambda node, value: watched.append(node.name))
    assert np.array_equal(outputs["y"], INPUTS["x"].cumsum(axis=0))
    assert np.array_equal(outputs["twice"], 2 * outputs["y"])
    assert sorted(watched) == sorted(graph.nodes), "each once, those of the loop too"


def test_parameters_come_in_the_inputs_library_and_keep_their_dtype():
    array = np.array([1, 2], np.int8)
    array.setflags(write=False)
    assert parameter_like(array, np.zeros(1, np.float32)) is array
    tensor = parameter_like(array, torch.zeros(1))
    assert (tensor.dtype, tensor.tolist()) == (torch.int8, [1, 2])
    tensor += 1
    assert array.tolist() == [1, 2], "a copy"
