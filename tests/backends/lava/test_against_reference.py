"""Lava equals the torch reference where weights are no round numbers and sums do round, and where ties decide."""

from __future__ import annotations

import numpy as np
import pytest

import hw_profiles
from backends.lava.engine import LavaEngine
from backends.reference.engine import ReferenceEngine
from ir.analysis.fan_in import populations
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Input, Leaky, Lif, Linear
from ir.quantize.network import quantize


def with_uneven_numbers(graph):
    """The same network with every weight and bias a little off the grid."""
    params = {name: (array * np.float32(1.0371)).astype(np.float32) for name, array in graph.params.items()}
    return Graph(graph.name, graph.steps, graph.nodes, graph.outputs, params)


@pytest.mark.lava
@pytest.mark.parametrize("seed", range(8))
def test_real_networks_agree_with_the_reference(seed, network):
    graph, inputs = network(430 + seed, real=True)
    graph = with_uneven_numbers(graph)
    names = tuple(node.name for node in populations(graph))
    found, wanted = LavaEngine(graph).run(inputs, names), ReferenceEngine(graph, "cpu").run(inputs, names)
    for name in names:
        assert np.array_equal(found.emissions[name], wanted.emissions[name]), name
    for name in graph.outputs:
        assert np.array_equal(found.outputs[name], wanted.outputs[name]), name
    assert found.events.spikes == wanted.events.spikes
    assert sum(bool(found.emissions[name].any()) for name in names) > 1


def tied_network(steps):
    """Two layers of dyadic weights whose biases are longer than a mantissa, and spikes for them."""
    rng, b = np.random.default_rng(steps), GraphBuilder("net", steps, dtype="float64")
    value = b.add(Input("spike[40]"), name="x")
    for name, width in (("hidden", 30), ("last", 20)):
        size = b.type(value).size
        weight = {"weight": b.param(f"{name}.w", rng.integers(-60, 61, (width, size)) / 64)}
        bias = {"bias": b.param(f"{name}.b", rng.integers(-200, 200, width) / 64)}
        value = b.add(Lif(0.5), b.add(Linear(), value, name=f"to_{name}", params=weight), name=name, params=bias)
    inputs = {"x": (rng.random((steps, 8, 40)) < 0.4).astype(np.float64)}
    return b.build({"hidden": "hidden", "last": "last"}), inputs


@pytest.mark.lava
@pytest.mark.parametrize("emission", ["stock", "fused"])
@pytest.mark.parametrize(("steps", "way"), [(1, "threshold"), (6, "synapses"), (8, "comparator")])
def test_ties_fall_alike_in_floats_lava_and_reference(steps, way, emission):
    graph, inputs = tied_network(steps)
    profile = hw_profiles.load("loihi2")
    chip, report = quantize(graph, profile.arithmetic, inputs, profile.features)
    assert way in {layer.ties for layer in report.layers}
    assert all(layer.exact for layer in report.layers)
    payloads, names = {"x": inputs["x"].astype(np.uint8)}, ("hidden", "last")
    found, wanted = (
        LavaEngine(chip, emission=emission).run(payloads, names),
        ReferenceEngine(chip, "cpu").run(payloads, names),
    )
    floats = interpret(graph, inputs)
    for name in names:
        assert np.array_equal(found.spikes[name], wanted.spikes[name])
        assert np.array_equal(found.spikes[name], floats[name])
    assert found.events == wanted.events


@pytest.mark.lava
def test_thresholds_of_units_of_v_are_met_alike():
    """Membranes that fall far below zero leave the shift too wide for thresholds, which programmed neurons have without it."""
    rng, b = np.random.default_rng(0), GraphBuilder("net", 100, dtype="float64")
    x = b.add(Input("spike[24]"), name="x")
    weight = {"weight": b.param("w", rng.integers(-7, 8, (24, 24)) * rng.uniform(0.1, 0.3, (24, 1)))}
    b.add(Lif(0.0, form="sum", reset="subtract"), b.add(Linear(), x, name="to_s", params=weight), name="s")
    graph, inputs = b.build({"s": "s"}), {"x": (rng.random((100, 4, 24)) < 0.3).astype(np.float64)}
    profile = hw_profiles.load("loihi2")
    chip, _ = quantize(graph, profile.arithmetic, inputs, profile.features)
    assert np.any(chip.arrays(chip.nodes["s"])["vth"] % 64)
    payloads = {"x": inputs["x"].astype(np.uint8)}
    found, wanted = LavaEngine(chip).run(payloads, ("s",)), ReferenceEngine(chip, "cpu").run(payloads, ("s",))
    assert found.spikes["s"].any()
    assert np.array_equal(found.spikes["s"], wanted.spikes["s"])


@pytest.mark.lava
@pytest.mark.parametrize("emission", ["stock", "fused"])
def test_the_least_mantissa_arrives_as_it_is(emission):
    rng, b = np.random.default_rng(0), GraphBuilder("net", 8, dtype="float64")
    x = b.add(Input("spike[24]"), name="x")
    weights = rng.integers(-128, 128, (24, 24))
    weights[:, 0] = -128
    weight = {"weight": b.param("w", weights / 64)}
    b.add(Lif(0.0, form="sum"), b.add(Linear(), x, name="to_s", params=weight), name="s")
    graph, inputs = b.build({"s": "s"}), {"x": (rng.random((8, 16, 24)) < 0.3).astype(np.float64)}
    profile = hw_profiles.load("loihi2")
    chip, report = quantize(graph, profile.arithmetic, inputs, profile.features)
    assert report.layers[-1].exact
    assert chip.arrays(chip.nodes["to_s"])["weight"].min() == -128
    found = LavaEngine(chip, emission=emission).run({"x": inputs["x"].astype(np.uint8)}, ("s",))
    assert np.array_equal(found.spikes["s"], interpret(graph, inputs)["s"])


@pytest.mark.lava
def test_read_outs_of_channels_of_different_sizes_are_read_alike():
    rng, b = np.random.default_rng(0), GraphBuilder("net", 12, dtype="float64")
    x = b.add(Input("spike[24]"), name="x")
    weight = {"weight": b.param("w", rng.uniform(-1, 1, (3, 24)) * np.array([[1], [0.1], [0.01]]))}
    b.add(Leaky(0.1, form="sum"), b.add(Linear(), x, name="to_y", params=weight), name="y")
    graph, inputs = b.build({"y": "y"}), {"x": (rng.random((12, 8, 24)) < 0.3).astype(np.float64)}
    profile = hw_profiles.load("loihi2")
    chip, _ = quantize(graph, profile.arithmetic, inputs, profile.features)
    payloads = {"x": inputs["x"].astype(np.uint8)}
    found, wanted = LavaEngine(chip).run(payloads), ReferenceEngine(chip, "cpu").run(payloads)
    assert np.array_equal(found.outputs["y"], wanted.outputs["y"])
    assert np.array_equal(found.outputs["y"], interpret(chip, {"x": inputs["x"].astype(np.int64)})["y"])
    assert np.all(found.outputs["y"].any(axis=(0, 1)))
