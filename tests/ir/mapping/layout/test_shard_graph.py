"""What the partitioner minimises is what a map costs."""

from __future__ import annotations

import numpy as np
import pytest

from ir.mapping.layout.cover import Cover
from ir.mapping.layout.shard_graph import RESOURCES, ShardGraph
from ir.mapping.nets import OUTSIDE, Nets
from ir.mapping.relation import Relation
from ir.mapping.timing.traffic import on_blocks, visits


@pytest.mark.parametrize("seed", range(3))
def test_traffic_is_visits_and_every_spike_of_the_network_once(seed: int):
    random = np.random.default_rng(seed)
    source, pairs = random.integers(OUTSIDE, 8, 12), random.integers(0, [[12], [8]], (2, 40))
    readers, spikes = Relation.of(pairs[0], pairs[1], 12), random.integers(0, 9, 12) / 8
    weights = Cover(np.array([5]), Relation.of(np.array([0]), np.array([1]), 1))
    graph = ShardGraph(np.arange(8), np.ones(8), weights, Nets(source, np.ones(12), spikes, readers))
    block = random.integers(0, 3, 8)
    within = spikes[source != OUTSIDE].sum()
    assert graph.traffic.held(block, 3).sum() - within == visits(on_blocks(graph.nets, block))
    assert tuple(graph.resources) == RESOURCES
    assert graph.resources["neurons"].held(block, 3).tolist() == np.bincount(block, np.arange(8), 3).tolist()
