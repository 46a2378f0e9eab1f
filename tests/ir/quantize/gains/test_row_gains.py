"""Input gains that differ between neurons go into weights: of their own where one synapse weight served all, by rows elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hw_profiles
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Concat, Conv, Delay, Expand, Input, Lif, Linear, Op, Permute, Reshape, Slice, Sum, Synapse
from ir.quantize.gains.row_gains import row_factors, separate_gains
from ir.quantize.network import quantize
from ir.text import graph_text, parse_graph
from ir.verify import verify

LOIHI2 = hw_profiles.load("loihi2")
N, STEPS = 12, 60
Arrays = dict[str, np.ndarray]


def spikes(seed: int, rate: float = 0.2, steps: int = STEPS) -> Arrays:
    return {"x": (np.random.default_rng(seed).random((steps, 3, N)) < rate).astype(np.float64)}


def integer_run(graph: Graph, inputs: Arrays) -> tuple[Graph, Arrays, Any]:
    chip, report = quantize(graph, LOIHI2.arithmetic, inputs, LOIHI2.features)
    verify(chip, "quantized")
    assert parse_graph(graph_text(chip), chip.params) == chip
    return chip, interpret(chip, {"x": inputs["x"].astype(np.int64)}), report


def test_unequal_gains_of_one_to_one_synapses_and_of_kernels():
    """Gains 1 and -1 behind one weight of 1: the integer neurons still see each its own sign."""
    b = GraphBuilder("net", 0, dtype="float64")
    gain = b.param("g", np.where(np.arange(N) % 2, 1.0, -1.0))
    x = b.add(Input(f"spike[{N}]"), name="x")
    op = Lif(0.0, form="sum", threshold=2.0, v0=0.0)
    one = b.add(op, b.add(Synapse(), x, name="one"), name="y", params={"gain": gain})
    chip, found, report = integer_run(b.build({"y": one}), inputs := spikes(1))
    assert report.layers[0].exact
    assert found["y"][..., 1::2].any()
    assert not found["y"][..., ::2].any()
    assert np.array_equal(found["y"], interpret(b.build({"y": one}), inputs)["y"])
    assert chip.params["one.each.int8"].ravel().tolist() == [(-1) ** (n + 1) for n in range(N)]


def test_a_kernel_cannot_take_the_gain_of_single_places():
    b = GraphBuilder("net", 0)
    kernel = b.param("k", np.ones((2, 1, 3, 3), np.float32))
    image = b.add(Input("spike[1x4x4]"), name="x")
    conv = b.add(Conv((1, 1), (1, 1), (1, 1), 1), image, name="c", params={"weight": kernel})
    for shape, fits in (((2, 1, 1), True), ((1, 4, 4), False)):
        gain = b.param("g", np.linspace(-1, 1, np.prod(shape)).reshape(shape))
        graph = b.build({"y": b.add(Lif(0.5), conv, name="y", params={"gain": gain})})
        inputs = {"x": np.ones((3, 1, 1, 4, 4))}
        if fits:
            quantize(graph, LOIHI2.arithmetic, inputs)
        else:
            with pytest.raises(CompileError, match=r"different input gains"):
                quantize(graph, LOIHI2.arithmetic, inputs)


class Net:
    """A population behind one operand; x is (4, 3)."""

    def __init__(self) -> None:
        self.builder = GraphBuilder("net", 2, dtype="float64")
        self.x = self.builder.add(Input("spike[4x3]"), name="x")

    def add(self, op: Op, *values: str, name: str = "", **params: Any) -> str:
        stored = {role: self.builder.param(role, np.asarray(array, np.float64)) for role, array in params.items()}
        return self.builder.add(op, *values, name=name or op.kind, params=stored)

    def graph(self, current: str, **params: Any) -> Graph:
        return self.builder.build({"y": self.add(Lif(0.5), current, name="y", **params)})


def rows(net: Net, current: str, factors: Any) -> list[float] | float:
    graph = net.graph(current)
    node = graph.nodes[graph.outputs["y"]]
    return row_factors(graph, node, node.inputs[0], np.asarray(factors, np.float64)).tolist()


def test_one_gain_for_all_is_one_factor():
    net = Net()
    assert rows(net, net.add(Linear(), net.x, weight=np.ones((2, 3))), 2.0) == 2
    assert rows(net, net.add(Linear(), net.x, weight=np.ones((2, 3))), np.full((4, 2), 3.0)) == 3


def test_rows_of_a_matrix_take_the_gains_of_their_neurons():
    net = Net()
    assert rows(net, net.add(Linear(), net.x, weight=np.ones((2, 3))), [[1.0, -2.0]] * 4) == [1, -2]
    with pytest.raises(CompileError, match="feeds neurons of different input gains with one weight") as caught:
        rows(net, net.add(Linear(), net.x, name="other", weight=np.ones((2, 3))), np.arange(8.0).reshape(4, 2))
    assert caught.value.rule == "quantize.gain"
    assert caught.value.where.split()[0] == "%y_2"


def test_kernels_have_a_row_per_channel():
    net = Net()
    image = net.add(Reshape((1, 4, 3)), net.x)
    conv = net.add(Conv((1, 1), (0, 0), (1, 1), 1), image, weight=np.ones((2, 1, 1, 1)))
    assert rows(net, conv, np.array([5.0, 7.0]).reshape(2, 1, 1)) == [5, 7]


def test_routing_carries_rows_along():
    """Tokens turned to the end, merged with the features, and two of them cut out."""
    net = Net()
    current = net.add(Linear(), net.x, weight=np.ones((2, 3)))  # (4, 2)
    late = net.add(Delay(1), net.add(Permute((1, 0)), current))  # (2, 4)
    flat = net.add(Slice(0, 2, 6), net.add(Reshape((8,)), late))  # feature 0 of tokens 2 and 3, feature 1 of 0 and 1
    assert rows(net, flat, [3.0, 3.0, 5.0, 5.0]) == [3, 5]
    with pytest.raises(CompileError, match="different input gains"):
        rows(net, flat, [3.0, 4.0, 5.0, 5.0])


def test_rows_that_nobody_reads_are_left_as_they_are():
    net = Net()
    current = net.add(Linear(), net.x, weight=np.ones((3, 3)))
    assert rows(net, net.add(Slice(1, 1, 3), current), [[2.0, 4.0]] * 4) == [1, 2, 4]


def test_one_weight_for_all_takes_one_gain():
    net = Net()
    for op in (Synapse(), Sum((0,))):
        current = net.add(op, net.x)
        shape = net.builder.type(current).shape
        gains = np.ones(shape)
        gains[0, 0] = 2.0
        with pytest.raises(CompileError, match="different input gains"):
            rows(net, current, gains)


def test_what_is_read_twice_takes_one_gain_only():
    net = Net()
    current = net.add(Linear(), net.x, weight=np.ones((1, 3)))
    wide = net.add(Expand((4, 2)), current)
    assert rows(net, wide, [[2.0, 2.0]] * 3 + [[2.0, 2.0]]) == 2
    with pytest.raises(CompileError, match="different input gains"):
        rows(net, wide, [[1.0, 2.0]] * 4)


def test_joints_hide_which_row_feeds_which_neuron():
    net = Net()
    parts = [net.add(Linear(), net.x, name=name, weight=np.ones((1, 3))) for name in ("a", "b")]
    with pytest.raises(CompileError, match="reads several projections at once"):
        rows(net, net.add(Concat(1), *parts), [[1.0, 2.0]] * 4)


def test_synapses_get_a_weight_for_every_neuron_where_gains_differ():
    net = Net()
    wire = net.add(Synapse(0.5), net.x, name="wire")
    graph = net.graph(wire, gain=np.linspace(-1, 1, 12).reshape(4, 3))
    separate = separate_gains(graph)
    verify(separate, "synaptic")
    assert [node.op.kind for node in separate.nodes.values()] == ["input", "reshape", "conv", "reshape", "lif"]
    assert (separate.params["wire.each"] == 0.5).all()
    assert separate.nodes["wire"].type == graph.nodes["wire"].type
    assert separate.nodes["wire_each"].provenance.passes == ("quantize",)
    x = {"x": np.random.default_rng(0).integers(0, 2, (2, 5, 4, 3)).astype(np.float64)}
    np.testing.assert_array_equal(interpret(separate, x)["y"], interpret(graph, x)["y"])


def test_where_gains_agree_nothing_changes():
    for params in (
        {},
        {"gain": np.full((4, 3), 2.0)},
        {"bias": np.arange(12.0).reshape(4, 3)},
        {"gain": np.arange(1.0, 13).reshape(4, 3)},  # of neurons with a threshold only the sign stays
    ):
        net = Net()
        graph = net.graph(net.add(Synapse(0.5), net.x, name="wire"), **params)
        assert separate_gains(graph) is graph
