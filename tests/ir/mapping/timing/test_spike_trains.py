"""What populations emitted, as spikes of their neurons and ways."""

from __future__ import annotations

from typing import Any

import numpy as np

from ir.graph import GraphBuilder
from ir.mapping.connections import connections_of
from ir.mapping.timing.spike_trains import spike_trains
from ir.mapping.timing.ways import ways_of
from ir.ops import Burst, Input, IntegerLif, Sum, Synapse


def test_neurons_with_micro_steps_fire_in_theirs_and_others_in_the_first():
    b = GraphBuilder("net", 2)
    x = b.add(Input("spike[3x2]"), name="x")
    a = b.add(Burst(4), b.add(Sum((0,)), x, name="sum"), name="a")
    met = b.add(IntegerLif(4095, 4096, 0, 6, 12, 24, micro=4), b.add(Synapse(1, 4), a, name="unit"), name="b")
    graph = b.build({"y": met})
    cores = {"a": np.array([0, 1], np.int32), "b": np.array([0, 0], np.int32)}
    ways, random = ways_of(connections_of(graph), cores), np.random.default_rng(0)
    emitted: dict[str, Any] = {
        "x": random.integers(0, 2, (2, 3, 3, 2)),
        "a": -random.integers(0, 2, (2, 3, 4, 2)),
        "b": 0.4,
    }
    found = spike_trains(graph, ways, emitted, (3, 3, 5))
    expected = np.zeros((3, 3, 5, ways.count))
    for sample, step in np.ndindex(3, 2):
        for neuron in np.ndindex(3, 2):
            expected[sample, step, 0, ways.of["x"].reshape(3, 2)[neuron]] += emitted["x"][step, sample][neuron]
        for place, neuron in np.ndindex(4, 2):
            fired = emitted["a"][step, sample, place, neuron] != 0
            expected[sample, step, place, ways.of["a"][neuron]] += fired
    expected[:, :, :4, ways.of["b"][0]] = 2 * 0.1
    np.testing.assert_array_equal(found.counts.reshape(expected.shape), expected)
    assert found.neurons is None  # who of b fires is not known
    emitted["b"] = random.integers(0, 2, (2, 3, 4, 2))
    every = spike_trains(graph, ways, emitted, (3, 3, 5))
    found = every.of(2)
    assert found.counts.shape == (2, 15, ways.count)
    np.testing.assert_array_equal(found.mean, every.counts.mean(axis=(0, 1)))
    assert found.neurons is not None
    for name, neurons in found.neurons.items():
        assert neurons.count == 2 * 15
        for sample, step, place in np.ndindex(2, 3, 5):
            values = emitted[name].reshape(2, 3, -1, len(ways.of[name]))
            fired = values[step, sample, place] if step < 2 and place < values.shape[2] else np.zeros(0)
            assert neurons.of_set((sample * 3 + step) * 5 + place).tolist() == np.flatnonzero(fired).tolist()
