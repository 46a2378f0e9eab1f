"""From a network to a map: within the limits, no hop more than partition and placement alone, the same for a seed."""

from __future__ import annotations

import numpy as np
import pytest

import hw_profiles
from ir.graph import Graph
from ir.mapping.board import Board
from ir.mapping.connections import connections_of
from ir.mapping.layout.build_shard_graph import shard_graph_of
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.lay_out import core_map, lay_out
from ir.mapping.layout.partition import is_available, partition
from ir.mapping.layout.placement import place
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.layout.shards import cut
from ir.mapping.loads import LoadCounter
from ir.mapping.nets import Nets
from ir.mapping.relation import Relation
from ir.mapping.timing.traffic import core_flow, on_blocks

pytestmark = pytest.mark.skipif(not is_available(), reason="mtkahypar is not installed")


def test_a_network_gets_a_map_within_its_limits(chip_graph: Graph):
    connections, shards = connections_of(chip_graph), cut(chip_graph, 3)
    sizes = {node.name: node.type.size for node in chip_graph.inputs} | {
        name: len(each) for name, each in shards.items()
    }
    graph = shard_graph_of(connections, shards, {name: np.full(size, 0.25) for name, size in sizes.items()})
    limits = {"neurons": max(6, graph.neurons.sum() // 4), "axons_in": 90}
    found = core_map(shards, *lay_out(graph, limits, Board(3, 2, chips=2, crossing=4), "energy"))
    found.check(chip_graph)
    loads = LoadCounter(chip_graph, hw_profiles.load("loihi2")).of(found.core_of)
    assert loads.over(limits) == {}


def ring(shards: int) -> ShardGraph:
    random, shard = np.random.default_rng(1), np.arange(shards)
    readers = (shard[:, None] + np.rint(random.normal(0, 5, (shards, 4))).astype(int)) % shards
    nets = Nets(
        shard, np.ones(shards, int), random.random(shards), Relation.of(np.repeat(shard, 4), readers.ravel(), shards)
    )
    nothing = Cover(np.zeros(0), Relation(np.zeros(1, np.int64), np.zeros(0, np.int64)))
    return ShardGraph(np.ones(shards, int), np.ones(shards), nothing, nets)


def test_moves_of_single_shards_save_hops():
    graph, board, limits = ring(120), Board(3, 3, hop_y=1.4), {"neurons": 16}

    def hops(block: np.ndarray, places: np.ndarray) -> float:
        return float((core_flow(on_blocks(graph.nets, block), len(places)) * board.distances(places)).sum())

    block, places = lay_out(graph, limits, board, "energy", seed=3)
    assert np.bincount(block, minlength=len(places)).max() <= 16
    parts = partition(graph, limits, 9, "energy", seed=3).block
    flow = core_flow(on_blocks(graph.nets, parts), parts.max() + 1)
    assert hops(block, places) < hops(parts, place(flow, board, seed=3))
    again = lay_out(graph, limits, board, "energy", seed=3)
    assert (again[0].tolist(), again[1].tolist()) == (block.tolist(), places.tolist())
