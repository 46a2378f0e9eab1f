"""The model's own neurons keep their name, module and meaning, whatever they read."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ir.errors import DeployError
from ir.graph import GraphBuilder, Provenance
from ir.interpreter import interpret
from ir.lowerings.lowering import PASS
from ir.ops import Add, Gate, Input, Lif, Linear, Sum, Synapse
from ir.passes.lower_to_synapses import lower_to_synapses


def test_neurons_that_read_spikes_and_counts(cmsf: SimpleNamespace):
    builder = GraphBuilder("direct", 4)
    a, b = builder.add(Input("spike[3]"), name="a"), builder.add(Input("spike[3]"), name="b")
    s = builder.add(Lif(0.5, threshold=0.5), a, name="s", provenance=Provenance("layer.0"))
    soft = Lif(0.25, form="sum", threshold=1.5, comparator=">", reset="subtract")
    y = builder.add(soft, builder.add(Add(), s, b, name="both"), name="y", provenance=Provenance("layer.1"))
    source = builder.build({"y": y})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20), ["s"])
    assert [(n.name, n.provenance) for n in lowered.nodes.values() if n.op.family == "neuron"] == [
        ("s", Provenance("layer.0")),
        ("y", Provenance("layer.1")),
    ]
    assert all(PASS in n.provenance.passes for n in lowered.nodes.values() if n.op.family == "projection")


def test_several_operands_and_own_bias(cmsf: SimpleNamespace):
    builder = GraphBuilder("dendrite", 3)
    a, b = builder.add(Input("spike[2x3]"), name="a"), builder.add(Input("spike[2x3]"), name="b")
    weight, bias = np.eye(3, dtype=np.float32), np.array([0.5, 0, -1], np.float32)
    params = {"weight": builder.param("w", weight), "bias": builder.param("b", bias)}
    linear = builder.add(Linear(), a, name="linear", params=params)
    own = {"bias": builder.param("own", np.array([[0.25], [0.5]], np.float32))}
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.5), linear, b, name="y", params=own)})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    expected = bias[None] + np.array([[0.25], [0.5]], np.float32)
    np.testing.assert_array_equal(lowered.arrays(lowered.nodes["y"])["bias"], expected)


def test_pooling_by_sum_is_the_neurons_own_fan_in(cmsf: SimpleNamespace):
    """Threshold 1/2 with tau 2 on counts is exactly the OR of each pool."""
    builder = GraphBuilder("pool", 4)
    x = builder.add(Input("spike[4x6]"), name="x")
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.5), builder.add(Sum((0,)), x, name="sum"), name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    inputs = cmsf.random_inputs(source, 1, samples=20, rate=0.2)
    cmsf.assert_same(source, lowered, inputs)
    assert cmsf.added_by(lowered, PASS) == (0, 0)
    np.testing.assert_array_equal(interpret(lowered, inputs)["y"], inputs["x"].max(axis=2, keepdims=True))


def test_a_gate_with_several_enabling_currents(cmsf: SimpleNamespace):
    """As a network that is lowered already may have it; every population that opens the gate is one more operand."""
    builder = GraphBuilder("gate", 2)
    a, b, c = (builder.add(Input("spike[3]"), name=name) for name in "abc")
    payload = builder.add(Synapse(weight=2.5), a, name="payload")
    opening = builder.add(Synapse(), builder.add(Add(), b, c, name="either"), name="opening")
    source = builder.build({"y": builder.add(Gate(8), payload, opening, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    assert lowered.nodes["y"].op == Gate(8, enables=2)


def test_a_current_cannot_leave_the_chip(cmsf: SimpleNamespace):
    builder = GraphBuilder("current", 1)
    x = builder.add(Input("spike[3]"), name="x")
    y = builder.add(Linear(), x, name="y", params={"weight": builder.param("w", np.eye(3, dtype=np.float32))})
    with pytest.raises(DeployError, match="an output of the chip would read a current"):
        lower_to_synapses(builder.build({"y": y}), cmsf.LOIHI1, {})


def test_two_linear_maps_in_a_row(cmsf: SimpleNamespace):
    builder = GraphBuilder("deep", 1)
    x = builder.add(Input("spike[3]"), name="x")
    weight = {"weight": builder.param("w", np.arange(9, dtype=np.float32).reshape(3, 3) / 8)}
    for name in ("first", "second"):
        x = builder.add(Linear(), x, name=name, params=weight, provenance=Provenance(f"mlp.{name}"))
    source = builder.build({"y": builder.add(Lif(0.5), x, name="y")})
    for profile, strategies in ((cmsf.LOIHI1, {}), (cmsf.LOIHI2, {"chain": "relay"})):
        lowered = lower_to_synapses(source, profile, strategies)
        cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    with pytest.raises(DeployError, match="needs graded spikes"):
        lower_to_synapses(source, cmsf.LOIHI1, {"chain": "relay"})
