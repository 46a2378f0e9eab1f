"""Random spiking networks mean the same after lowering, at every neuron and step; and the result has the promised shape."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ir.graph import Graph, GraphBuilder, Node
from ir.interpreter import interpret
from ir.ops import Add, Concat, Conv, Input, Lif, Linear, MatMul, Mul, Offset, Permute, Reshape, Scale, Slice, Sum
from ir.passes.lower_to_synapses import lower_to_synapses
from ir.passes.merge_routing import merge_routing
from ir.types import SPIKE
from ir.verify import verify

GRADED = SimpleNamespace(graded_spikes=True, programmable_neurons=True)
SIDE = 2
"""Values are SIDE x SIDE, so that any two can meet."""

Draw = st.DrawFn


class Grower:
    """Grows a network from spike inputs; weights are small integers, so that sums are exact."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.builder = GraphBuilder("random", draw(st.integers(1, 3)))
        self.add = self.builder.add
        self.values = [self.add(Input(f"spike[{SIDE}x{SIDE}]"), name=name) for name in ("a", "b")]

    def pick(self, *kinds: str) -> str:
        """Any value of those domains; a spike input where there is none."""
        fitting = [value for value in self.values if self.builder.type(value).domain.kind in kinds]
        return self.draw(st.sampled_from(fitting or self.values[:1]))

    def weights(self, *shape: int) -> str:
        seed = self.draw(st.integers(0, 9))
        array = np.random.default_rng(seed).integers(-2, 3, shape).astype(np.float32)
        return self.builder.param(f"w{seed}", array)

    def grow(self) -> None:
        """One more value."""
        grow = self.draw(st.sampled_from([self.project, self.fire, self.meet, self.route, self.adjust]))
        self.values.append(grow())

    def project(self) -> str:
        """A linear map, a convolution or a sum of spikes."""
        x, weight, bias = self.pick("spike", "count", "graded"), self.weights(SIDE, SIDE), self.weights(SIDE)
        kind = self.draw(st.sampled_from(["linear", "conv", "sum"]))
        if kind == "linear":
            return self.add(Linear(), x, name="linear", params={"weight": weight, "bias": bias})
        if kind == "conv":
            params = {"weight": self.weights(SIDE, SIDE, 1), "bias": bias}
            return self.add(Conv((1,), (0,), (1,)), x, name="conv", params=params)
        row = self.add(Sum((0,), weight=0.5), x, name="sum")
        return self.add(Add(), row, self.pick("current"), name="broadcast") if self.has("current") else self.fired(row)

    def has(self, kind: str) -> bool:
        return any(self.builder.type(value).domain.kind == kind for value in self.values)

    def fired(self, row: str) -> str:
        """A row of neurons, twice."""
        spikes = self.add(Lif(0.5, threshold=0.5), row, name="row")
        return self.add(Concat(0), spikes, spikes, name="rows")

    def fire(self) -> str:
        threshold, comparator = self.draw(st.sampled_from([0.5, 1.0, 2.0])), self.draw(st.sampled_from([">=", ">"]))
        x = self.pick("spike", "count", "graded", "current")
        params = {"bias": self.weights(SIDE)} if self.draw(st.booleans()) else {}
        return self.add(Lif(0.5, threshold=threshold, comparator=comparator), x, name="lif", params=params)

    def meet(self) -> str:
        """Two values summed or multiplied."""
        kind = self.draw(st.sampled_from(["spikes", "currents", "mask", "gate", "matmul", "attention"]))
        if kind in ("spikes", "mask"):
            op = Add() if kind == "spikes" else Mul()
            return self.add(op, self.pick("spike", "count"), self.pick("spike", "count"), name=kind)
        if kind == "currents":
            return self.add(Add(), self.pick("current"), self.pick("current"), name=kind)
        sides = [
            self.pick("spike"),
            self.pick("spike") if kind == "attention" else self.pick("current", "count", "spike"),
        ]
        sides = sides[:: self.draw(st.sampled_from([1, -1]))]
        if kind == "gate":
            return self.add(Mul(), *sides, name=kind)
        product = self.add(MatMul(), *sides, name=kind)
        outer = [product, self.pick("spike")][:: self.draw(st.sampled_from([1, -1]))]
        return product if kind == "matmul" else self.add(MatMul(), *outer, name="outer")

    def route(self) -> str:
        x = self.pick("spike", "count", "graded", "current")
        kind = self.draw(st.sampled_from(["permute", "reshape", "slice"]))
        if kind == "permute":
            return self.add(Permute((1, 0)), x, name=kind)
        if kind == "reshape":
            flat = self.add(Reshape((SIDE * SIDE,)), x, name="flat")
            return self.add(Reshape((SIDE, SIDE)), flat, name=kind)
        row = self.add(Slice(0, 1, 2), x, name=kind)
        spiking = self.builder.type(x).domain == SPIKE
        return self.add(Concat(0), row, row, name="again") if spiking else x

    def adjust(self) -> str:
        x = self.pick("spike", "count", "graded", "current")
        if self.draw(st.booleans()):
            return self.add(Scale(self.draw(st.sampled_from([0.5, -1.0, 2.0]))), x, name="scale")
        bias = {"bias": self.weights(SIDE)} if self.draw(st.booleans()) else {}
        return self.add(Offset(0.5), self.add(Scale(), x, name="current"), name="offset", params=bias)


@st.composite
def networks(draw: Draw) -> Graph:
    """A network of up to a dozen operations; every value is watched by a neuron of its own."""
    grower = Grower(draw)
    for _ in range(draw(st.integers(1, 12))):
        grower.grow()
    outputs = {name: grower.add(Lif(0.5, threshold=0.5), name, name=f"out_{name}") for name in grower.values}
    return grower.builder.build(outputs)


def _inputs(graph: Graph, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {n.name: random.integers(0, 2, (graph.steps, 3, *n.type.shape)).astype(np.float32) for n in graph.inputs}


@pytest.mark.slow
@given(networks(), st.sampled_from(["graded-a", "graded-b", "time-coded"]), st.integers(0, 99))
@settings(max_examples=300)
def test_same_spikes(graph: Graph, attention: str, seed: int):
    lowered = lower_to_synapses(graph, GRADED, {"attention": attention})
    verify(lowered, "synaptic")
    inputs = _inputs(graph, seed)
    for fed in (inputs, {name: torch.from_numpy(array) for name, array in inputs.items()}):
        expected, got = interpret(graph, fed), interpret(lowered, fed)
        for name in expected:
            np.testing.assert_array_equal(np.asarray(expected[name]), np.asarray(got[name]), err_msg=name)


@given(networks())
def test_every_projection_feeds_one_neuron_and_has_no_bias(graph: Graph):
    lowered = lower_to_synapses(graph, GRADED, {})
    users = lowered.users()
    for node in lowered.nodes.values():
        if node.op.family != "projection":
            continue
        assert node.param("bias") is None
        readers = [node]
        while readers[0].op.family in ("projection", "routing"):
            (reader,) = users[readers[0].name]
            readers.insert(0, reader)
        assert readers[0].op.family == "neuron"


@given(networks())
def test_a_lowered_network_stays_as_it_is(graph: Graph):
    lowered = merge_routing(lower_to_synapses(graph, GRADED, {}))
    again = merge_routing(lower_to_synapses(lowered, GRADED, {}))
    assert [_without_name(node) for node in again.nodes.values()] == [
        _without_name(node) for node in lowered.nodes.values()
    ]


def _without_name(node: Node) -> tuple[object, ...]:
    return node.op, node.type, node.provenance, len(node.inputs)
