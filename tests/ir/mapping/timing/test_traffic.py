"""Visits and hops, spike by spike over unrolled synapses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from ir.graph import Graph
from ir.mapping.board import Board
from ir.mapping.connections import connections_of
from ir.mapping.core_map import CoreMap
from ir.mapping.layout.shards import cut
from ir.mapping.nets import nets_of
from ir.mapping.timing.traffic import core_flow, on_blocks, traffic, visits

Unroll = Callable[[Graph], Mapping[str, Any]]
BOARD = Board(2, 2, chips=2, hop_x=3, hop_y=4, crossing=16)
PLACES = np.array([[0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 0]])


def metric(a: Any, b: Any) -> int:
    x, y = (place[0] * 2 + place[1] for place in (a, b))
    return int(3 * abs(x - y) + 4 * abs(a[2] - b[2]) + 16 * abs(a[0] - b[0]))


def rates_of(graph: Graph) -> dict[str, Any]:
    random, sizes = np.random.default_rng(1), {node.name: node.type.size for node in graph.inputs}
    sizes |= {node.name: node.op.neurons(node.type) for node in graph.nodes.values() if node.op.family == "neuron"}
    return {name: random.integers(0, 9, size) / 8 for name, size in sizes.items()}


@pytest.mark.parametrize("seed", [0, 1])
def test_every_spike_goes_once_to_every_other_core(chip_graph: Graph, unroll: Unroll, seed: int):
    synapses, rates, random = unroll(chip_graph), rates_of(chip_graph), np.random.default_rng(seed)
    core_of = {name: random.integers(0, 4, len(neurons)) for name, neurons in synapses.items()}
    reached = defaultdict[Any, set[int]](set)
    for name, neurons in synapses.items():
        for core, own in zip(core_of[name], neurons, strict=True):
            for each in own:
                reached[each.source].add(int(core))
    expected = [0.0, 0.0]
    for (name, neuron), cores in reached.items():
        if name:
            home = int(core_of[name][neuron]) if name in core_of else None
            expected[0] += rates[name][neuron] * len(cores - {home})
            hops = [metric(PLACES[home], PLACES[core]) for core in cores] if home is not None else [0]
            expected[1] += rates[name][neuron] * sum(hops)
    found = traffic(connections_of(chip_graph), CoreMap(core_of, PLACES), rates, BOARD)
    assert [found.visits, found.hops] == expected


def test_blocks_of_shards_send_what_their_neurons_do(chip_graph: Graph):
    connections, shards, rates = connections_of(chip_graph), cut(chip_graph, 3), rates_of(chip_graph)
    block = np.arange(1 + max(each.max() for each in shards.values())) % 4
    ours = on_blocks(nets_of(connections, shards, rates), block)
    direct = nets_of(connections, {name: block[each] for name, each in shards.items()}, rates)
    assert visits(ours) == visits(direct)
    assert np.array_equal(core_flow(ours, 4), core_flow(direct, 4))
