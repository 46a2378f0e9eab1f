"""Time spread over cores: none beyond the bound, no more cores than there are, near the mean where shards can be small."""

from __future__ import annotations

import numpy as np
import pytest

from ir.mapping.layout.cover import Cover
from ir.mapping.layout.pack import pack
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.layout.shards import Sharding, numbered
from ir.mapping.layout.spread import Busy, spread
from ir.mapping.nets import Nets
from ir.mapping.relation import Relation

SILENT = Nets(np.zeros(0, int), np.zeros(0, int), np.zeros(0), Relation(np.zeros(1, int), np.zeros(0, int)))


def shards_of(shardings: dict[str, Sharding], finer: dict[str, Sharding], busy: dict[str, Busy]) -> ShardGraph:
    """The shards of finer shardings; a shard takes in the messages of its pixels."""
    halves = [busy[name].halves(sharding, finer[name]) for name, sharding in shardings.items()]
    count = np.bincount(np.concatenate([*numbered(finer).values()]))
    each = Relation.one_each(len(count))
    sizes = dict(zip(("sending", "receiving"), map(np.concatenate, zip(*halves, strict=True)), strict=True))
    covers = {name: Cover(size, each) for name, size in {"neurons": count, **sizes}.items()}
    return ShardGraph(np.zeros(len(count)), covers, SILENT)


@pytest.mark.parametrize("cores", [3, 5, 16, 60])
@pytest.mark.parametrize("messages", [0.0, 300.0])
def test_no_core_takes_much_longer_than_the_mean(cores: int, messages: float):
    random = np.random.default_rng(0)
    shardings = {
        "busy": Sharding(np.arange(240).reshape(240, 1), 240, 1),
        "idle": Sharding(np.arange(40).reshape(40, 1), 20, 1),
    }
    busy = {
        "busy": Busy(np.ones(240), 9 + random.random(240), messages),
        "idle": Busy(1 + random.random(40), np.zeros(40), 0.0),
    }
    graph, limits = shards_of(shardings, shardings, busy), {"neurons": 240}
    finer, bound = spread(shardings, graph, busy, limits, cores)
    spread_out = shards_of(shardings, finer, busy)
    core = pack(spread_out, {**limits, "sending": bound, "receiving": bound})
    assert core.max() < cores
    halves = [graph.resources[name].sizes.sum() for name in ("sending", "receiving")]
    used = [spread_out.resources[name].held(core, cores).max() for name in ("sending", "receiving")]
    assert max(used) <= bound <= 1.5 * max(halves) / cores
    assert all(finer[name].parts >= sharding.parts for name, sharding in shardings.items())


def test_neurons_that_are_much_busier_set_the_bound():
    shardings = {"one": Sharding(np.arange(8).reshape(8, 1), 8, 1)}
    busy = {"one": Busy(np.ones(8), np.array([50.0, 1, 1, 1, 1, 1, 1, 1]), 8.0)}
    assert busy["one"].least(shardings["one"]) == 51
    finer, bound = spread(shardings, shards_of(shardings, shardings, busy), busy, {}, 4)
    assert bound >= 51
    assert pack(shards_of(shardings, finer, busy), {"sending": bound, "receiving": bound}).max() < 4


def test_messages_of_channels_are_taken_in_by_all_of_them():
    sharding = Sharding(np.arange(24).reshape(4, 6), 4, 6)
    busy = Busy(np.ones(24), np.full(24, 0.5), 40.0)
    for finer, received in ((Sharding(sharding.neurons, 2, 6), 20 + 6), (Sharding(sharding.neurons, 4, 3), 40 + 6)):
        assert [half.tolist() for half in busy.halves(sharding, finer)] == [[12, 12], [received, received]]
