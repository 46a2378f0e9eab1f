"""Partitions of cliques of shards: what belongs together comes together, within every limit, as the objective wants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ir.errors import CompileError
from ir.mapping.layout import partition as module
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.partition import BALANCE, is_available, partition
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.nets import Nets
from ir.mapping.relation import Relation

CLIQUES, MEMBERS = 6, 8
SHARDS = CLIQUES * MEMBERS
needs_partitioner = pytest.mark.skipif(not is_available(), reason="mtkahypar is not installed")


def cliques(axons: int = 1) -> ShardGraph:
    """Every shard sends to all others of its clique, and a little to the next clique; a clique shares 50 weights."""
    shard = np.arange(SHARDS)
    clique = shard // MEMBERS * MEMBERS
    readers = np.concatenate([clique[:, None] + np.arange(MEMBERS), (clique[:, None] + MEMBERS) % SHARDS], axis=1)
    mixed = np.random.default_rng(0).permutation(SHARDS)
    reads = Relation.of(mixed[np.repeat(shard, MEMBERS + 1)], mixed[readers.ravel()], SHARDS)
    weights = Cover(np.full(CLIQUES, 50), Relation.of(shard // MEMBERS, mixed, CLIQUES))
    work = 1.0 + np.arange(SHARDS) % 3
    return ShardGraph(np.full(SHARDS, 4), work, weights, Nets(shard, np.full(SHARDS, axons), np.ones(SHARDS), reads))


def whole(graph: ShardGraph, block: np.ndarray) -> bool:
    return all(len(set(block[graph.weights.sets.of_set(k)])) == 1 for k in range(CLIQUES))


@needs_partitioner
def test_cliques_stay_whole_on_as_few_cores_as_can_be():
    graph, limits = cliques(), {"neurons": 40, "weights": 50}
    blocks = partition(graph, limits, 20, "cores")
    assert (blocks.fits, blocks.used) == (True, CLIQUES)
    assert whole(graph, blocks.block)
    assert blocks.block.tolist() == partition(graph, limits, 20, "cores").block.tolist()


@needs_partitioner
def test_few_spikes_leave_their_cores():
    graph = cliques()
    blocks = partition(graph, {"neurons": 40}, 20, "energy")
    assert (blocks.fits, blocks.used <= CLIQUES) == (True, True)
    assert blocks.cost == graph.traffic.held(blocks.block, 20).sum() <= 2 * SHARDS, "as if cliques were whole"


@needs_partitioner
@pytest.mark.parametrize("limits", [{"neurons": 20}, {"neurons": 40, "axons_in": 60}, {"weights": 120}, {}])
def test_no_core_holds_more_than_its_limits(limits: dict[str, int]):
    graph = cliques(axons=3)
    blocks = partition(graph, limits, 30, "cores")
    for name, limit in limits.items():
        assert graph.resources[name].held(blocks.block, 30).max() <= limit, name
    assert blocks.used >= max([1, *(-(-graph.resources[name].sizes.sum() // limit) for name, limit in limits.items())])
    assert blocks.used <= 12


@needs_partitioner
def test_time_spreads_the_work_over_all_cores():
    graph = cliques()
    blocks = partition(graph, {"neurons": 24}, 12, "time")
    work = np.bincount(blocks.block, graph.work, 12)
    assert blocks.used == 12
    assert work.max() <= (1 + BALANCE) * graph.work.sum() / 12


@needs_partitioner
def test_work_that_cannot_be_equal_is_spread_all_the_same():
    graph = replace(cliques(), work=np.where(np.arange(SHARDS) % 7, 2.0, 3.0))
    blocks = partition(graph, {}, 30, "time")
    assert np.bincount(blocks.block, graph.work, 30).max() <= 5
    assert partition(graph, {}, 100, "time").used == SHARDS


@needs_partitioner
def test_what_fits_no_core_is_refused():
    with pytest.raises(CompileError, match=r"map\.room.* 5 cores: all neurons of it, each held once, fill 6\.0"):
        partition(cliques(), {"neurons": 32}, 5, "cores")
    with pytest.raises(CompileError, match=r"map\.room"):
        partition(cliques(), {"neurons": 3}, 100, "time")


def test_a_missing_partitioner_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "is_available", lambda: False)
    with pytest.raises(CompileError, match=r"map\.partitioner"):
        partition(cliques(), {}, 5, "cores")
