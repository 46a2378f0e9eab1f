"""Work spread over cores: no shard beyond the bound, no more cores than there are, near the mean where shards can be small."""

from __future__ import annotations

import numpy as np
import pytest

from ir.graph import Array
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.pack import pack
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.layout.shards import Cut, numbered
from ir.mapping.layout.spread import spread
from ir.mapping.nets import Nets
from ir.mapping.relation import Relation

SILENT = Nets(np.zeros(0, int), np.zeros(0, int), np.zeros(0), Relation(np.zeros(1, int), np.zeros(0, int)))


def shards_of(cuts: dict[str, Cut], work: dict[str, Array]) -> ShardGraph:
    shard = np.concatenate([*numbered(cuts).values()])
    total, count = np.bincount(shard, np.concatenate([work[name] for name in cuts])), np.bincount(shard)
    each = Relation.one_each(len(count))
    return ShardGraph(total, {"neurons": Cover(count, each), "work": Cover(total, each)}, SILENT)


@pytest.mark.parametrize("cores", [3, 5, 16, 60])
def test_no_core_has_much_more_work_than_the_mean(cores: int):
    random = np.random.default_rng(0)
    cuts = {"busy": Cut(np.arange(240).reshape(240, 1), 240, 1), "idle": Cut(np.arange(40).reshape(40, 1), 20, 1)}
    work = {"busy": 9 + random.random(240), "idle": 1 + random.random(40)}
    graph, limits = shards_of(cuts, work), {"neurons": 240}
    finer, bound = spread(cuts, graph, work, limits, cores)
    spread_out = shards_of(finer, work)
    core = pack(spread_out, {**limits, "work": bound})
    assert core.max() < cores
    mean = graph.work.sum() / cores
    assert np.bincount(core, spread_out.work).max() <= bound <= 1.5 * mean
    assert all(finer[name].parts >= cut.parts for name, cut in cuts.items())


def test_neurons_that_are_much_busier_set_the_bound():
    cuts, work = {"one": Cut(np.arange(8).reshape(8, 1), 8, 1)}, {"one": np.array([50.0, 1, 1, 1, 1, 1, 1, 1])}
    finer, bound = spread(cuts, shards_of(cuts, work), work, {}, 4)
    assert bound >= 50
    assert pack(shards_of(finer, work), {"work": bound}).max() < 4
