"""
Packed shards onto the cores of chips: cores over chips, and on every chip partition, placement and moves of single shards.

Packing has said how many cores there are. This keeps to them and to all limits, and makes fewer spikes leave their cores, and
those that do make fewer hops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from ir.graph import Array
from ir.mapping.board import Board
from ir.mapping.layout.blocks import Blocks
from ir.mapping.layout.chips import chips_of
from ir.mapping.layout.holdings import HopCosts
from ir.mapping.layout.partition import partition
from ir.mapping.layout.placement import STARTS, place
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.timing.traffic import core_flow, on_blocks

TURNS = 2
"""Placements, each followed by moves of shards; a third one finds next to nothing."""
SHARED = 1.5
"""Shards per core from which on the partitioner is asked who shares one; below, packing has left it no choice."""


def lay_out(
    graph: ShardGraph, packed: Array, limits: Mapping[str, float], board: Board, seed: int = 0
) -> tuple[Array, Array]:
    """
    (int32 (shards,), the core of every shard; int32 (cores, 3), the places of the cores as in a CoreMap).

    Args:
        packed: (shards,), a core of every shard, as `pack` finds them; the board has places for all of them.

    Raises:
        CompileError: `map.partitioner` where the partitioner is not installed.
    """
    return _chip_by_chip(graph, packed, board, seed, lambda some, start: _on_chip(some, limits, start, board, seed))


def put_down(graph: ShardGraph, packed: Array, board: Board, seed: int = 0) -> tuple[Array, Array]:
    """The same with packed shards kept together as they are."""

    def placed(some: ShardGraph, start: Array) -> tuple[Array, Array]:
        return start, _placed(some, start, int(start.max()) + 1, board, seed)

    return _chip_by_chip(graph, packed, board, seed, placed)


def _chip_by_chip(
    graph: ShardGraph,
    packed: Array,
    board: Board,
    seed: int,
    on_chip: Callable[[ShardGraph, Array], tuple[Array, Array]],
) -> tuple[Array, Array]:
    cores = int(packed.max()) + 1
    chips = chips_of(on_blocks(graph.nets, packed), cores, board, seed)[packed]
    core, places = np.empty(graph.shards, np.int32), list[Array]()
    for chip in np.unique(chips).tolist():
        shards = np.flatnonzero(chips == chip)
        block, there = on_chip(graph.among(shards), np.unique(packed[shards], return_inverse=True)[1])
        core[shards] = block + sum(len(each) for each in places)
        places.append(np.column_stack([np.full(len(there), chip), there[:, 1:]]))
    return core, np.concatenate(places).astype(np.int32)


def _on_chip(
    graph: ShardGraph, limits: Mapping[str, float], start: Array, board: Board, seed: int
) -> tuple[Array, Array]:
    """(the core of every shard, their places) on a single chip; `start` keeps all limits that can be kept."""
    count, one = int(start.max()) + 1, replace(board, chips=1)
    blocks = Blocks(start, count, graph.traffic, graph.limited(limits))
    blocks.improve()
    if graph.shards >= SHARED * count:
        other = partition(graph, limits, count, seed)
        blocks = other if other.fits and other.cost < blocks.cost else blocks
    places = one.places[:count]
    for _ in range(TURNS):
        places = _placed(graph, blocks.block, count, board, seed)
        blocks.price(HopCosts(graph.nets, blocks.block, one.distances(places)))
        blocks.improve()
    used, core = np.unique(blocks.block, return_inverse=True)
    return core, places[used]


def _placed(graph: ShardGraph, core: Array, count: int, board: Board, seed: int) -> Array:
    """The places of so many cores on a single chip, by what their shards send."""
    flow, one = core_flow(on_blocks(graph.nets, core), count), replace(board, chips=1)
    return place(flow, one, seed, max(1, STARTS // board.chips))
