"""Partitions of cliques of shards: what belongs together comes together, within every limit that can be kept."""

from __future__ import annotations

import numpy as np
import pytest

from ir.errors import CompileError
from ir.mapping.layout import partition as module
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.partition import divide, is_available, partition
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.nets import Nets
from ir.mapping.relation import Relation

CLIQUES, MEMBERS = 6, 8
SHARDS = CLIQUES * MEMBERS
needs_partitioner = pytest.mark.skipif(not is_available(), reason="mtkahypar is not installed")


def cliques(axons: int = 1) -> ShardGraph:
    """Every shard sends to all others of its clique, and a little to the next clique."""
    shard = np.arange(SHARDS)
    clique = shard // MEMBERS * MEMBERS
    readers = np.concatenate([clique[:, None] + np.arange(MEMBERS), (clique[:, None] + MEMBERS) % SHARDS], axis=1)
    mixed = np.random.default_rng(0).permutation(SHARDS)
    reads = Relation.of(mixed[np.repeat(shard, MEMBERS + 1)], mixed[readers.ravel()], SHARDS)
    nets = Nets(shard, np.full(SHARDS, axons), np.ones(SHARDS), reads)
    each = Relation.one_each(SHARDS)
    resources = {"neurons": Cover(np.full(SHARDS, 4), each), "axons_in": Cover(nets.neurons, reads)}
    return ShardGraph(np.ones(SHARDS), resources, nets)


@needs_partitioner
def test_few_spikes_leave_their_cores():
    graph = cliques()
    blocks = partition(graph, {"neurons": 40}, CLIQUES)
    assert blocks.fits
    assert blocks.cost == graph.traffic.held(blocks.block, CLIQUES).sum() <= 2 * SHARDS, "as if cliques were whole"
    assert blocks.block.tolist() == partition(graph, {"neurons": 40}, CLIQUES).block.tolist()


@needs_partitioner
@pytest.mark.parametrize("limits", [{"neurons": 20}, {"neurons": 40, "axons_in": 60}, {}])
def test_no_core_holds_more_than_its_limits(limits: dict[str, int]):
    graph = cliques(axons=3)
    blocks = partition(graph, limits, 12)
    assert blocks.fits
    for name, limit in limits.items():
        assert graph.resources[name].held(blocks.block, 12).max() <= limit, name


@needs_partitioner
def test_what_fits_no_core_is_said():
    assert not partition(cliques(), {"neurons": 32}, 5).fits


@needs_partitioner
def test_parts_are_as_heavy_as_the_slack_allows():
    graph, weights = cliques(), 1.0 + np.arange(SHARDS) % 3
    for slack in (0.0, 0.25):
        block = divide(graph.traffic, weights, 4, slack, seed=1)
        assert np.bincount(block, weights).max() <= (1 + slack) * weights.sum() / 4 + 1e-6
    assert divide(graph.traffic, weights, 1, 0.0, seed=1).tolist() == [0] * SHARDS


def test_a_missing_partitioner_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "is_available", lambda: False)
    with pytest.raises(CompileError, match=r"map\.partitioner"):
        partition(cliques(), {}, 5)
