"""What the partitioner minimises is what a map costs."""

from __future__ import annotations

import numpy as np
import pytest

from ir.mapping.layout.cover import Cover
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.nets import OUTSIDE, Nets
from ir.mapping.relation import Relation
from ir.mapping.timing.traffic import on_blocks, visits


@pytest.mark.parametrize("seed", range(3))
def test_traffic_is_visits_and_every_spike_of_the_network_once(seed: int):
    random = np.random.default_rng(seed)
    source, pairs = random.integers(OUTSIDE, 8, 12), random.integers(0, [[12], [8]], (2, 40))
    readers, spikes = Relation.of(pairs[0], pairs[1], 12), random.integers(0, 9, 12) / 8
    graph = ShardGraph(np.ones(8), {}, Nets(source, np.ones(12), spikes, readers))
    block = random.integers(0, 3, 8)
    within = spikes[source != OUTSIDE].sum()
    assert graph.traffic.held(block, 3).sum() - within == visits(on_blocks(graph.nets, block))


def test_some_of_the_shards_keep_what_is_theirs():
    nets = Nets(
        np.array([0, 1, 2, OUTSIDE]),
        np.array([3, 2, 1, 4]),
        np.array([0.5, 0.25, 1, 2]),
        Relation.of(np.array([0, 0, 1, 2, 3]), np.array([1, 2, 0, 2, 1]), 4),
    )
    each = Cover(np.array([4, 5, 6]), Relation.one_each(3))
    some = ShardGraph(np.array([1.0, 2, 3]), {"neurons": each}, nets).among(np.array([2, 1]))
    assert (some.work.tolist(), some.resources["neurons"].alone(2).tolist()) == ([3, 2], [6, 5])
    assert some.nets.source.tolist() == [OUTSIDE, 0, OUTSIDE], (
        "what shard 0 sends comes from outside, and to it goes nothing"
    )
    assert [some.nets.readers.of_set(k).tolist() for k in range(3)] == [[0, 1], [0], [1]]
    assert some.nets.neurons.tolist() == [3, 1, 4]
    assert some.limited({"neurons": 7, "axons_in": 3}) == {"neurons": (some.resources["neurons"], 7)}
