"""The exported network as a process among a user's own, under Lava's plain run and stop."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.engine import LavaEngine


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("emission", ["fused", "stock"])
@pytest.mark.parametrize("wanted", [("last", "early", "sum", "turned"), ("turned",)])
def test_users_processes_see_the_samples_in_a_stream(emission, wanted, network, expected, between_ring_buffers):
    graph, inputs = network(305)
    outputs, _, _ = expected(graph, inputs)
    steps, batch = next(iter(inputs.values())).shape[:2]
    streams = {name: np.moveaxis(x.swapaxes(0, 1).reshape(-1, *x.shape[2:]), 0, -1) for name, x in inputs.items()}
    latest = max(LavaEngine(graph).network().latency.values())
    total = steps * batch
    padded = {
        name: np.concatenate([x, np.zeros((*x.shape[:-1], latest), x.dtype)], axis=-1) for name, x in streams.items()
    }
    recorded, latency = between_ring_buffers(LavaEngine(graph, emission), padded, wanted, total + latest)
    for name in wanted:
        stream = np.moveaxis(recorded[name], -1, 0)[latency[name] : latency[name] + total]
        found = stream.reshape(batch, steps, *stream.shape[1:]).swapaxes(0, 1)
        assert np.array_equal(found, outputs[name]), name
    assert any(outputs[name].any() for name in wanted)


@pytest.mark.lava
@pytest.mark.filterwarnings("ignore")
def test_inputs_without_a_source_are_silent(network, expected, between_ring_buffers):
    graph, inputs = network(305)
    silent = {name: x if name == "amount" else np.zeros_like(x) for name, x in inputs.items()}
    outputs, _, _ = expected(graph, {name: x[:, :1] for name, x in silent.items()})
    amount = np.moveaxis(inputs["amount"][:, 0], 0, -1)
    recorded, latency = between_ring_buffers(LavaEngine(graph), {"amount": amount}, ("early",), graph.steps + 1)
    assert latency["early"] == 1
    assert np.array_equal(np.moveaxis(recorded["early"], -1, 0)[1:], outputs["early"][:, 0])
    assert outputs["early"].any()


@pytest.mark.lava
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("emission", ["fused", "stock"])
def test_a_streaming_network_runs_on_without_a_reset(emission, expected, streaming_network, between_ring_buffers):
    spikes = (np.random.default_rng(1).random((30, 1, 6)) < 0.3).astype(np.int64)
    outputs, _, _ = expected(streaming_network, {"x": spikes})
    engine = LavaEngine(streaming_network, emission)
    recorded, latency = between_ring_buffers(engine, {"x": spikes[:, 0].T}, ("y",), 30)
    assert np.array_equal(recorded["y"].T[latency["y"] :], outputs["y"][: -latency["y"], 0])
    assert outputs["y"].any()
