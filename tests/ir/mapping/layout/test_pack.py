"""Packing by hand: as few cores as there can be, no limit exceeded, and shards of one axon or constant together."""

from __future__ import annotations

import numpy as np
import pytest

from ir.mapping.layout.cover import Cover
from ir.mapping.layout.pack import pack
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.nets import OUTSIDE, Nets
from ir.mapping.relation import Relation

SILENT = Nets(np.zeros(0, int), np.zeros(0, int), np.zeros(0), Relation(np.zeros(1, int), np.zeros(0, int)))


def shards(nets: Nets = SILENT, **sizes: list[int]) -> ShardGraph:
    resources = {name: Cover(np.array(own), Relation.one_each(len(own))) for name, own in sizes.items()}
    return ShardGraph(np.ones(len(next(iter(sizes.values())))), resources, nets)


def test_small_ones_fill_what_large_ones_leave():
    core = pack(shards(neurons=[3, 7, 5, 6, 4, 5]), {"neurons": 10})
    assert np.bincount(core, [3, 7, 5, 6, 4, 5]).tolist() == [10, 10, 10]
    assert core.tolist() == [0, 0, 2, 1, 1, 2]


def test_what_fills_different_resources_shares_a_core():
    graph = shards(neurons=[8, 8, 1, 1], synapse_memory=[1, 1, 8, 8])
    core = pack(graph, {"neurons": 10, "synapse_memory": 10})
    assert len(set(core[:2])) == len(set(core[2:])) == 2
    assert core.max() == 1


def test_what_exceeds_a_limit_alone_is_alone():
    assert pack(shards(neurons=[12, 1, 1]), {"neurons": 10}).tolist() == [0, 1, 1]
    assert pack(shards(neurons=[12, 1, 1]), {}).tolist() == [0, 0, 0]


def test_readers_of_the_same_neurons_come_together():
    """Two pairs of shards read the same axons each; apart they fill two cores each."""
    nets = Nets(np.full(2, OUTSIDE), np.full(2, 6), np.ones(2), READS)
    graph = ShardGraph(np.ones(4), {"axons_in": Cover(nets.neurons, nets.readers)}, nets)
    core = pack(graph, {"axons_in": 6})
    assert core[0] == core[3] != core[1] == core[2]


READS = Relation.of(np.array([0, 0, 1, 1]), np.array([0, 3, 1, 2]), 2)


@pytest.mark.parametrize("seed", range(4))
def test_no_limit_is_exceeded(seed: int):
    random = np.random.default_rng(seed)
    axons = Relation.of(random.integers(0, 20, 120), random.integers(0, 40, 120), 20)
    nets = Nets(np.full(20, OUTSIDE), random.integers(1, 5, 20), random.random(20), axons)
    resources = {
        "neurons": Cover(random.integers(1, 9, 40), Relation.one_each(40)),
        "axons_in": Cover(nets.neurons, axons),
    }
    core = pack(ShardGraph(np.ones(40), resources, nets), {"neurons": 12, "axons_in": 25})
    assert np.array_equal(np.unique(core), np.arange(core.max() + 1))
    assert resources["neurons"].held(core, 40).max() <= 12
    assert resources["axons_in"].held(core, 40).max() <= 25
