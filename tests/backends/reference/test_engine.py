"""The reference engine is the interpreter, every value of every population at every step, and its events are a brute force's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.reference import engine as engine_module
from backends.reference.engine import ReferenceEngine
from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.interpreter import interpret
from ir.ops import Gate, Graded, Input, Linear, Sum, Synapse
from ir.ops.integer_neuron import IntegerLif
from tests.backends.wiring_oracle import populations_behind


def defined(graph, inputs):
    """Every value as the interpreter computes it: integers in int64, the source's arithmetic in float64."""
    integer = any(node.op.kind == "integer_lif" for node in graph.nodes.values())
    kind = np.int64 if integer else np.float64
    values = {}
    wide = {name: array.astype(kind) for name, array in inputs.items()}
    interpret(graph, wide, lambda node, value: values.__setitem__(node.name, np.asarray(value)))
    return values


def populations(graph):
    return tuple(node.name for node in graph.nodes.values() if node.op.family in ("neuron", "input"))


def brute_force_events(graph, values, samples):
    """(spikes, synaptic, updates) by looking at every neuron, and at every synapse by itself."""
    steps, spikes, synaptic, updates = graph.steps, {}, {}, {}
    for node in graph.nodes.values():
        if node.op.family in ("neuron", "input"):
            spikes[node.name] = int((values[node.name] != 0).sum())
        if node.op.family == "neuron":
            updates[node.name] = steps * samples * node.type.size
        if node.op.family == "projection":
            synaptic[node.name] = _synaptic_events(graph, node, values[node.inputs[0]]) * populations_behind(
                graph, node.name
            )
    return spikes, synaptic, updates


def _synaptic_events(graph, node, source):
    """One presynaptic element at a time through weights of one: what it reaches are its synapses."""
    ones = {role: np.ones_like(array, dtype=np.float64) for role, array in graph.arrays(node).items()}
    shape = graph.nodes[node.inputs[0]].type.shape
    total = 0
    for element in np.ndindex(*shape):
        alone = np.zeros((1, 1, *shape))
        alone[(0, 0, *element)] = 1
        reached = int((np.asarray(node.op.run((alone,), ones, 1)) != 0).sum())
        total += reached * int((source[(slice(None), slice(None), *element)] != 0).sum())
    return total


def check(graph, inputs):
    values, names = defined(graph, inputs), populations(graph)
    samples = inputs["x"].shape[1]
    engine = ReferenceEngine(graph, "cpu")
    probed, bare = engine.run(inputs, names), engine.run(inputs)
    for name in names:
        assert np.array_equal(probed.emissions[name], values[name]), name
    for name, value in graph.outputs.items():
        assert np.array_equal(probed.outputs[name], values[value]), name
        assert np.array_equal(bare.outputs[name], values[value]), name
    spikes, synaptic, updates = brute_force_events(graph, values, samples)
    for events in (probed.events, bare.events):
        assert (dict(events.spikes), dict(events.synaptic), dict(events.updates)) == (spikes, synaptic, updates)
        assert (events.samples, events.steps) == (samples, graph.steps)


@pytest.mark.slow
@settings(max_examples=60)
@given(data=st.data())
def test_integer_networks_are_exactly_the_interpreters(data, integer_networks):
    check(*data.draw(integer_networks))


@pytest.mark.slow
@settings(max_examples=40)
@given(data=st.data())
def test_dyadic_float_networks_are_exactly_the_interpreters(data, float_networks):
    check(*data.draw(float_networks))


def test_payloads_with_integer_weights_are_integers_without_any_neuron_of_the_chip():
    b, rng = GraphBuilder("payloads", 2), np.random.default_rng(0)
    weight = b.param("w", rng.integers(-128, 128, (5, 4)).astype(np.int8))
    x = b.add(Input("spike[4]"), name="x")
    graph = b.build({"y": b.add(Graded(8, shift=2), b.add(Linear(), x, name="l", params={"weight": weight}), name="y")})
    spikes = rng.integers(0, 2, (2, 3, 4)).astype(np.uint8)
    found = ReferenceEngine(graph, "cpu").run({"x": spikes}).outputs["y"]
    assert found.dtype == np.int32
    assert np.array_equal(found, np.clip(spikes @ graph.params[weight].astype(int).T >> 2, -128, 127))


def test_the_motifs_fire(network):
    graph, inputs = network(5, "attention", "time_coded", "analog_gate", "comb", steps=4, samples=8)
    spikes = ReferenceEngine(graph, "cpu").run(inputs).events.spikes
    assert all(count > 0 for count in spikes.values()), spikes


def test_running_twice_starts_from_zero(network):
    graph, inputs = network(8, "plain", "residual")
    engine = ReferenceEngine(graph, "cpu")
    assert engine.run(inputs).events == engine.run(inputs).events


def test_number_types_of_a_trace(network):
    for integer, kind in ((True, np.int32), (False, np.float32)):
        graph, inputs = network(9, "attention", integer=integer)
        trace = ReferenceEngine(graph, "cpu").run(inputs, ("score", "lif"))
        assert trace.emissions["score"].dtype == kind
        assert trace.emissions["lif"].dtype == np.uint8


def test_says_what_it_runs_on(network):
    graph, _ = network(1, "plain")
    assert "CPU" in ReferenceEngine(graph, "cpu").describe()
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert ReferenceEngine(graph).device.type == expected


def test_a_missing_gpu_is_an_error(network, monkeypatch):
    graph, _ = network(1, "plain")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CompileError, match="CUDA"):
        ReferenceEngine(graph, "cuda")


@pytest.mark.parametrize("broken", ["missing", "shape", "probe"])
def test_bad_calls_are_named(network, broken):
    graph, inputs = network(1, "plain")
    probes = ("nobody",) if broken == "probe" else ()
    if broken == "missing":
        del inputs["a"]
    if broken == "shape":
        inputs["a"] = inputs["a"][..., :-1]
    word = {"missing": "missing input 'a'", "shape": "'a' has shape", "probe": "'nobody'"}[broken]
    with pytest.raises(CompileError, match=word):
        ReferenceEngine(graph, "cpu").run(inputs, probes)


def test_a_graph_is_planned_once(network, monkeypatch):
    graph, inputs = network(8, "plain")
    planned = []
    original = engine_module.plan_of
    monkeypatch.setattr(engine_module, "plan_of", lambda *args: planned.append(args) or original(*args))
    engine = ReferenceEngine(graph, "cpu")
    for probes in ((), (), ("lif",), ("lif",)):
        engine.run(inputs, probes)
    assert len(planned) == 2


@pytest.mark.parametrize("largest", [40, 1 << 20])
def test_sums_beyond_float32_are_exact(largest):
    """The bound of 20-bit payloads lies beyond 2^24; the values at hand lie below it, or reach 2^30 with odd last digits."""
    rng = np.random.default_rng(largest)
    b = GraphBuilder("wide", 2)
    x, y = (b.add(Input("graded<21>[3x64]"), name=name) for name in "xy")
    weight = b.param("w", rng.integers(-128, 128, (16, 64)).astype(np.int8))
    lines = [b.add(Linear(), value, name="l", params={"weight": weight}) for value in (x, y)]
    graph = b.build(
        {
            "payload": b.add(
                Graded(40), *lines, name="payload", params={"bias": b.param("b", np.array([7], np.int32))}
            ),
            "spikes": b.add(IntegerLif(4095, 2048, 90, 6, 12, 24), lines[0], name="spikes"),
            "gated": b.add(
                Gate(40, shift=3), lines[1], b.add(Linear(), x, name="g", params={"weight": weight}), name="gated"
            ),
            "summed": b.add(Graded(40), b.add(Sum((1,), weight=3), x, name="sum"), name="summed"),
        }
    )
    inputs = {name: rng.integers(-largest, largest, (2, 5, 3, 64)).astype(np.int32) for name in "xy"}
    values, trace = defined(graph, inputs), ReferenceEngine(graph, "cpu").run(inputs, ("payload", "spikes", "gated"))
    for name in trace.outputs:
        assert np.array_equal(trace.outputs[name], values[graph.outputs[name]]), name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_real_payloads_may_be_larger_than_those_of_24_bits(dtype: str):
    """Relays, gates and maxima of analog values, as a network in its source's arithmetic has them."""
    b = GraphBuilder("large", 2, dtype=dtype)
    x, a = b.add(Input("spike[2]"), name="x"), b.add(Input("graded<24>[2]"), name="a")
    own, opened = b.add(Synapse(-1e8), a, name="own"), b.add(Synapse(1.0), x, name="opened")
    values = {"relay": Graded(24), "rectified": Graded(24, form="rectified"), "gate": Gate(24)}
    for name, op in values.items():
        b.add(op, own, *([opened] if name == "gate" else []), name=name)
    graph = b.build({name: name for name in values})
    inputs = {"x": np.array([[[1, 1]], [[0, 1]]], dtype), "a": np.array([[[1, -1]], [[2, 0.5]]], dtype)}
    trace = ReferenceEngine(graph, "cpu").run(inputs)
    wanted = {"relay": [-1e8, 1e8, -2e8, -5e7], "rectified": [0, 1e8, 0, 0], "gate": [-1e8, 1e8, 0, -5e7]}
    assert {name: array.ravel().tolist() for name, array in trace.outputs.items()} == wanted
    assert all(
        np.array_equal(trace.outputs[name], array) for name, array in defined(graph, inputs).items() if name in values
    )
