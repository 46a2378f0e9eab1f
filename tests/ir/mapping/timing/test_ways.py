"""Ways against synapses that are unrolled and followed one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from ir.graph import Graph
from ir.mapping.connections import connections_of
from ir.mapping.nets import OUTSIDE
from ir.mapping.timing.ways import ways_of

Unroll = Callable[[Graph], Mapping[str, Any]]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_spike_of_every_neuron_goes_the_way_of_its_synapses(chip_graph: Graph, unroll: Unroll, seed: int):
    synapses, random = unroll(chip_graph), np.random.default_rng(seed)
    core_of = {name: random.integers(0, 4, len(neurons)).astype(np.int32) for name, neurons in synapses.items()}
    met = defaultdict[Any, Counter[int]](Counter)
    for name, neurons in synapses.items():
        for core, own in zip(core_of[name].tolist(), neurons, strict=True):
            for each in own:
                met[each.source][core] += 1
    ways = ways_of(connections_of(chip_graph), core_of)
    owners = defaultdict[int, set[str]](set)
    for name, way in ways.of.items():
        for neuron, number in enumerate(way.tolist()):
            owners[number].add(name)
            here = slice(*ways.messages.starts[number : number + 2])
            found = dict(zip(ways.messages.members[here].tolist(), ways.synapses[here].tolist(), strict=True))
            assert found == met[name, neuron]
            assert ways.source[number] == (core_of[name][neuron] if name in core_of else OUTSIDE)
    assert {*owners} == {*range(ways.count)}
    assert all(len(names) == 1 for names in owners.values())


def test_neurons_of_a_core_whose_spikes_do_the_same_are_one_way(chip_graph: Graph):
    sizes = {n.name: n.op.neurons(n.type) for n in chip_graph.nodes.values() if n.op.family == "neuron"}
    ways = ways_of(connections_of(chip_graph), {name: np.zeros(size, np.int32) for name, size in sizes.items()})
    kinds = {
        (name, *ways.synapses[slice(*ways.messages.starts[number : number + 2])].tolist())
        for name, way in ways.of.items()
        for number in way.tolist()
    }
    assert ways.count == len(kinds)
