"""Shards on cores and chips: within the limits, on as few cores as packing finds, few hops, the same for a seed."""

from __future__ import annotations

import numpy as np
import pytest

from ir.mapping.board import Board
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.lay_out import lay_out, put_down
from ir.mapping.layout.pack import pack
from ir.mapping.layout.partition import is_available, partition
from ir.mapping.layout.placement import place
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.nets import Nets
from ir.mapping.relation import Relation
from ir.mapping.timing.traffic import on_blocks, traffic

pytestmark = pytest.mark.skipif(not is_available(), reason="mtkahypar is not installed")


def ring(shards: int) -> ShardGraph:
    random, shard = np.random.default_rng(1), np.arange(shards)
    readers = (shard[:, None] + np.rint(random.normal(0, 5, (shards, 4))).astype(int)) % shards
    reads = Relation.of(np.repeat(shard, 4), readers.ravel(), shards)
    each = Cover(np.ones(shards), Relation.one_each(shards))
    return ShardGraph(
        np.ones(shards), {"neurons": each}, Nets(shard, np.ones(shards, int), random.random(shards), reads)
    )


def hops(graph: ShardGraph, block: np.ndarray, places: np.ndarray, board: Board) -> float:
    return traffic(on_blocks(graph.nets, block), places, board).hops


def test_moves_of_single_shards_save_hops():
    graph, board, limits = ring(120), Board(3, 3, hop_y=1.4), {"neurons": 16}
    block, places = lay_out(graph, pack(graph, limits), limits, board, seed=3)
    assert np.bincount(block, minlength=len(places)).max() <= 16
    assert len(places) == 8
    parts = partition(graph, limits, 8, seed=3).block
    placed = place(np.ones((8, 8)), board, seed=3)
    assert hops(graph, block, places, board) < hops(graph, parts, placed, board)
    again = lay_out(graph, pack(graph, limits), limits, board, seed=3)
    assert (again[0].tolist(), again[1].tolist()) == (block.tolist(), places.tolist())


def test_chips_are_filled_to_their_room_and_near_shards_are_on_one():
    graph, board = ring(120), Board(2, 2, chips=3, room=3)
    block, places = lay_out(graph, pack(graph, {"neurons": 15}), {"neurons": 15}, board)
    assert np.bincount(block).tolist() == [15] * 8
    assert np.bincount(places[:, 0]).max() <= 3
    assert len({tuple(place) for place in places.tolist()}) == 8
    mixed = np.random.default_rng(0).permutation(8)
    assert hops(graph, block, places, board) < hops(graph, block, places[mixed], board)
    shards = places[block, 0]
    apart = np.mean(shards != np.roll(shards, 1))
    assert apart < 0.2, "of the ring's neighbours, few are on different chips"


def test_what_is_put_down_stays_together():
    graph, board = ring(120), Board(3, 3, hop_y=1.4, chips=2, room=5)
    packed = np.random.default_rng(0).permutation(120) % 8
    core, places = put_down(graph, packed, board, seed=3)
    assert (
        len({*zip(core.tolist(), packed.tolist(), strict=True)})
        == len({tuple(place) for place in places.tolist()})
        == 8
    )
    assert np.bincount(places[:, 0]).max() <= 5
    mixed = np.random.default_rng(0).permutation(8)
    assert hops(graph, core, places, board) < hops(graph, core, places[mixed], board)
