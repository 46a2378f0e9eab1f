"""Nets against synapses that are unrolled and followed one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from ir.graph import Graph
from ir.mapping.connections import connections_of
from ir.mapping.nets import OUTSIDE, nets_of

Unroll = Callable[[Graph], Mapping[str, Any]]


@pytest.mark.parametrize("seed", [0, 1])
def test_every_neuron_is_in_the_net_of_what_it_reaches(chip_graph: Graph, unroll: Unroll, seed: int):
    synapses, random = unroll(chip_graph), np.random.default_rng(seed)
    parts = {name: random.integers(0, 4, len(neurons)) for name, neurons in synapses.items()}
    connections = connections_of(chip_graph)
    sizes = {node.name: node.type.size for node in chip_graph.inputs} | {
        name: len(each) for name, each in parts.items()
    }
    rates = {name: random.integers(0, 9, size) / 8 for name, size in sizes.items()}
    reached = defaultdict[Any, set[int]](set)
    for name, neurons in synapses.items():
        for part, own in zip(parts[name], neurons, strict=True):
            for each in own:
                reached[each.source].add(int(part))
    expected: dict[Any, list[float]] = defaultdict(lambda: [0, 0.0])
    for name, size in sizes.items():
        for neuron in range(size):
            if reached[name, neuron]:
                source = int(parts[name][neuron]) if name in parts else OUTSIDE
                net = expected[source, frozenset(reached[name, neuron])]
                net[0] += 1
                net[1] += float(rates[name][neuron])
    nets = nets_of(connections, parts, rates)
    found = {
        (int(nets.source[k]), frozenset(nets.readers.of_set(k).tolist())): [int(nets.neurons[k]), float(nets.spikes[k])]
        for k in range(nets.readers.count)
    }
    assert len(found) == nets.readers.count
    assert found == expected
