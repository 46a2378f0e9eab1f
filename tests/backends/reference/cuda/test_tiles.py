"""The engine with CUDA's kernels is the processor's engine: outputs, probes, events, whatever the tiles and the order of copies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.reference.cuda.kernels import cuda_kernels
from backends.reference.cuda.tiles import CudaTiles
from backends.reference.devices import ExecutionDevice
from backends.reference.engine import ReferenceEngine
from backends.reference.plan.execution_plan import plan_of
from ir.graph import GraphBuilder
from ir.ops import Conv, Gate, Graded, Input, Linear, Synapse
from ir.ops.integer_neuron import IntegerLif

CPU = torch.device("cpu")


def populations(graph):
    return tuple(node.name for node in graph.nodes.values() if node.op.family in ("neuron", "input"))


def same(found, wanted):
    assert found.events == wanted.events
    for kind in ("outputs", "spikes"):
        a, b = getattr(found, kind), getattr(wanted, kind)
        assert a.keys() == b.keys()
        for name in a:
            assert a[name].dtype == b[name].dtype, name
            assert np.array_equal(a[name], b[name]), name


def check(engine, graph, inputs, runs=3):
    """Three runs: an ordinary one, a captured one, a replayed one."""
    plain = ReferenceEngine(graph, "cpu")
    for probes in (populations(graph), ()):
        wanted = plain.run(inputs, probes)
        for _ in range(runs):
            same(engine.run(inputs, probes), wanted)


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_integer_networks(data, integer_networks, cuda_engine):
    graph, inputs = data.draw(integer_networks)
    check(
        cuda_engine(graph, data.draw(st.integers(0, 99)), data.draw(st.sampled_from([1, 4000, 1 << 28]))), graph, inputs
    )


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_networks_in_the_sources_arithmetic(data, float_networks, cuda_engine):
    graph, inputs = data.draw(float_networks)
    check(cuda_engine(graph, data.draw(st.integers(0, 99)), data.draw(st.sampled_from([1, 1 << 28]))), graph, inputs)


@pytest.mark.parametrize("seed", range(6))
def test_many_tiles_in_any_order(seed, network, cuda_engine):
    graph, inputs = network(seed, "attention", "analog_gate", "convolution", "residual", samples=11)
    check(cuda_engine(graph, seed, limit=3000 if seed % 2 else 1), graph, inputs)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["integer", "float64"])
@pytest.mark.parametrize("seed", range(8))
def test_loops_and_delays(seed, level, loops, cuda_engine):
    graph = loops.closed(seed, level)
    check(cuda_engine(graph, seed, limit=1 if seed % 2 else 1 << 28), graph, loops.inputs(graph, seed))


def images(groups: int, weight_scale: int):
    """A convolutional net of images, spikes and payloads, with common powers of two in the weights."""
    rng = np.random.default_rng(groups)
    b = GraphBuilder("images", 3)
    x = b.add(Input("spike[2x9x8]"), name="x")
    first = b.param("w", (rng.integers(-60, 90, (16, 2, 3, 3)) * weight_scale).astype(np.int16))
    second = b.param("w", rng.integers(-60, 90, (6, 16 // groups, 2, 3)).astype(np.int8))
    bias = b.param("b", rng.integers(-900, 900, (16, 1, 1)).astype(np.int32))
    current = b.add(Conv((1, 2), (1, 0), (1, 1)), x, name="c", params={"weight": first})
    spikes = b.add(IntegerLif(4095, 2048, 60, 6, 12, 24), current, name="s", params={"bias": bias})
    opened = b.add(Conv((1, 2), (1, 0), (1, 1)), x, name="c2", params={"weight": first})
    again = b.add(Conv((2, 1), (0, 1), (1, 2), groups), spikes, name="d", params={"weight": second})
    return b.build(
        {
            "payload": b.add(Graded(8, 2), again, name="p"),
            "spikes": b.add(IntegerLif(4095, 333, 60, 6, 12, 24), again, name="t"),
            "gated": b.add(Gate(6, 1), opened, spikes_open(b, spikes), name="g"),
        }
    )


def spikes_open(b, spikes):
    return b.add(Synapse(1), spikes, name="open")


@pytest.mark.parametrize(("groups", "weight_scale"), [(1, 1), (2, 1), (1, 8)])
def test_images(groups, weight_scale, cuda_engine):
    graph = images(groups, weight_scale)
    inputs = {"x": (np.random.default_rng(0).random((3, 7, 2, 9, 8)) < 0.4).astype(np.uint8)}
    engine = cuda_engine(graph, limit=20000)
    check(engine, graph, inputs)
    assert all(count > 0 for count in engine.run(inputs).events.spikes.values())


@pytest.mark.parametrize("largest", [40, 1 << 20])
def test_sums_beyond_float32(largest, cuda_engine):
    """What the processor decides by the values at hand is the wider type here."""
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
        }
    )
    inputs = {name: rng.integers(-largest, largest, (2, 5, 3, 64)).astype(np.int32) for name in "xy"}
    check(cuda_engine(graph), graph, inputs)


@pytest.mark.parametrize("bits", [4, 7, 8, 9])
def test_payloads_of_all_widths_and_residual_sums(bits, cuda_engine):
    """Payloads of -128, sums that leave a byte, and a common factor of the weights."""
    rng = np.random.default_rng(bits)
    b = GraphBuilder("payloads", 2)
    x, y = (b.add(Input(f"graded<{bits}>[3x21]"), name=name) for name in "xy")
    weight = b.param("w", (rng.integers(-128, 128, (10, 21)) * 2).astype(np.int16))
    lines = [b.add(Linear(), value, name="l", params={"weight": weight}) for value in (x, y)]
    graph = b.build(
        {
            "one": b.add(Graded(30, 1), lines[0], name="one", params={"bias": b.param("b", np.array([7], np.int32))}),
            "both": b.add(Graded(30), *lines, name="both"),
            "spikes": b.add(IntegerLif(4095, 2048, 90, 6, 12, 24), *lines, name="spikes"),
        }
    )
    half = 1 << (bits - 1)
    inputs = {name: rng.choice([-half, half - 1, 1], (2, 9, 3, 21)).astype(np.int32) for name in "xy"}
    check(cuda_engine(graph), graph, inputs)


def test_a_failed_run_leaves_nothing_behind(network, cuda_engine, monkeypatch):
    """It ends at the fourth tile of two while the third is under way, which a run of one sample has no place for."""
    graph, inputs = network(3, "plain", samples=8)
    few = {name: x[:, :1] for name, x in inputs.items()}
    two = 2 * 4 * plan_of(graph, frozenset()).widest * graph.steps
    engine, wanted = cuda_engine(graph, limit=two), ReferenceEngine(graph, "cpu").run(few)
    last = engine._prepared(frozenset())._buffers[1]
    starts = iter((last.start, _out_of_memory))
    with monkeypatch.context() as patch:
        patch.setattr(last, "start", lambda *args: next(starts)(*args))
        with pytest.raises(torch.cuda.OutOfMemoryError):
            engine.run(inputs)
    same(engine.run(few), wanted)


def _out_of_memory(*_):
    raise torch.cuda.OutOfMemoryError


def test_a_capture_that_fails_is_not_tried_again(network, cuda_engine):
    tries = []

    def fails(work):
        tries.append(work)
        raise RuntimeError("operation not permitted when stream is capturing")

    graph, inputs = network(3, "plain", samples=5)
    check(cuda_engine(graph, limit=1, capture=fails), graph, inputs)
    assert len(tries) == 2  # one for each set of probes


def test_says_which_kernels_run(network, cuda_engine):
    graph, _ = network(1, "plain")
    assert cuda_engine(graph).describe() == "torch on CUDA's kernels, int8 products, neurons in plain torch"


def test_a_run_by_the_calls_of_cuda(simulated_cuda, network):
    """A graph is captured when the shape comes back; the stand-in's does nothing when replayed, so that results are those of then."""
    graph, inputs = network(3, "plain", "attention", samples=5)
    engine, wanted = ReferenceEngine(graph, "cpu"), ReferenceEngine(graph, "cpu").run(inputs)
    engine.__dict__["_execution_device"] = ExecutionDevice("a stand-in", cuda_kernels(CPU), CudaTiles)
    for _ in range(4):
        found = engine.run(inputs)
        assert all(np.array_equal(found.outputs[name], wanted.outputs[name]) for name in wanted.outputs)
    assert found.events == wanted.events
    assert (simulated_cuda.captured, simulated_cuda.replayed) == (1, 3)
    assert simulated_cuda.waited == 4 * 2  # computation for its inputs, the way back for the computation
