"""Shards spread step by step, by hand, against all ways to spread them, and what they take by counting spikes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np
import pytest

from ir.graph import Graph
from ir.mapping.connections import connections_of
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.level import level, times_of
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.nets import Nets
from ir.mapping.relation import Relation

Unroll = Callable[[Graph], Mapping[str, Any]]
NS = {"neuron_update": 10.0, "spike": 5.0, "axon_out": 2.0, "axon_in": 7.0, "synaptic_event": 3.0}


def shards(neurons: list[int]) -> ShardGraph:
    each, none = Relation.one_each(len(neurons)), np.zeros(0, np.int64)
    nets = Nets(none, none, np.zeros(0), Relation(np.zeros(1, np.int64), none))
    return ShardGraph(np.ones(len(neurons)), {"neurons": Cover(np.array(neurons), each)}, nets)


def longest(core: np.ndarray, times: np.ndarray) -> float:
    """The sum over steps of what the core takes that takes longest."""
    held = np.stack([times[:, :, core == k].sum(axis=2) for k in np.unique(core)])
    return float(held.max(axis=(0, 1)).sum())


def test_layers_that_fire_by_turns_share_cores():
    """Two layers of three shards each, one of which fires in even steps, the other one in odd ones."""
    receiving = np.array([[9, 9, 9, 0, 0, 0], [0, 0, 0, 9, 9, 9]] * 4, float)
    times = np.stack([np.ones((8, 6)), receiving])
    core = level(shards([1] * 6), {}, 3, times)
    assert core is not None
    assert sorted(core[:3].tolist()) == sorted(core[3:].tolist()) == [0, 1, 2]


def test_neurons_that_only_send_are_spread_too():
    times = np.stack([np.full((3, 4), 5.0), np.zeros((3, 4))])
    core = level(shards([1] * 4), {}, 2, times)
    assert core is not None
    assert np.bincount(core).tolist() == [2, 2]


def test_fewer_shards_than_cores_have_one_each():
    core = level(shards([1, 1]), {"neurons": 5}, 7, np.ones((2, 1, 2)))
    assert core is not None
    assert len(np.unique(core)) == 2


def test_limits_are_kept_and_too_many_shards_find_no_room():
    times = np.ones((2, 1, 5))
    core = level(shards([3, 3, 1, 1, 1]), {"neurons": 5}, 2, times)
    assert core is not None
    assert np.bincount(core, [3, 3, 1, 1, 1]).max() <= 5
    assert level(shards([3, 3, 3]), {"neurons": 5}, 2, np.ones((2, 1, 3))) is None


@pytest.mark.parametrize("seed", range(5))
def test_close_to_the_best_of_all_ways(seed: int):
    random = np.random.default_rng(seed)
    times = random.random((2, 6, 8)) * (random.random((2, 6, 8)) < 0.5)
    best = min(longest(np.array(core), times) for core in product(range(3), repeat=8))
    found = level(shards([1] * 8), {}, 3, times)
    assert found is not None
    even = longest(np.arange(8) % 3, times)
    assert best <= longest(found, times) <= 1.25 * best < even + 0.25 * best


@pytest.mark.parametrize("seed", [0, 1])
def test_shards_take_what_loops_over_all_spikes_say(chip_graph: Graph, unroll: Unroll, seed: int):
    synapses, random, known = unroll(chip_graph), np.random.default_rng(seed), 0
    shard_of = dict[str, np.ndarray]()
    for name, neurons in synapses.items():
        shard_of[name] = known + np.sort(np.arange(len(neurons)) % 3)
        known = 1 + int(shard_of[name].max())
    sizes = {**{node.name: node.type.size for node in chip_graph.inputs}, **{n: len(c) for n, c in shard_of.items()}}
    moments = [{name: random.random(size) < 0.5 for name, size in sizes.items()} for _ in range(2)]
    expected = np.zeros((2, 2, known))
    for step, fired in enumerate(moments):
        sent = set[tuple[str, int, int]]()
        for name, neurons in synapses.items():
            for neuron, (shard, own) in enumerate(zip(shard_of[name].tolist(), neurons, strict=True)):
                expected[0, step, shard] += 10 + 5 * bool(fired[name][neuron])
                active = [each.source for each in own if each.source[0] and fired[each.source[0]][each.source[1]]]
                expected[1, step, shard] += 3 * len(active)
                sent |= {(*source, shard) for source in active}
        for name, neuron, shard in sent:
            expected[1, step, shard] += 7
            if name in shard_of:
                expected[0, step, shard_of[name][neuron]] += 2
    assert times_of(connections_of(chip_graph), shard_of, moments, NS).tolist() == expected.tolist()
