"""Shards onto the cores of chips: partition, placement, and single shards to where their spikes make fewer hops, in turns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ir.graph import Array
from ir.mapping.board import Board
from ir.mapping.core_map import CoreMap
from ir.mapping.layout.holdings import HopCosts
from ir.mapping.layout.partition import Objective, partition
from ir.mapping.layout.placement import place
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.timing.traffic import core_flow, on_blocks

TURNS = 2
"""Placements, each followed by moves of shards; a third one finds next to nothing."""


def lay_out(
    graph: ShardGraph, limits: Mapping[str, int], board: Board, objective: Objective, seed: int = 0
) -> tuple[Array, Array]:
    """
    (int32 (shards,), the core of every shard; int32 (cores, 3), the places of the cores as in a CoreMap).

    Raises:
        CompileError: as `partition`.
    """
    blocks = partition(graph, limits, len(board.places), objective, seed)
    count = int(blocks.block.max()) + 1
    places = board.places[:count]
    for _ in range(TURNS):
        places = place(core_flow(on_blocks(graph.nets, blocks.block), count), board, seed)
        blocks.price(HopCosts(graph.nets, blocks.block, board.distances(places)))
        blocks.improve()
    used, core = np.unique(blocks.block, return_inverse=True)
    return core.astype(np.int32), places[used]


def core_map(shards: Mapping[str, Array], core: Array, places: Array) -> CoreMap:
    """The map of a network whose shards are on cores."""
    return CoreMap({name: core[shard] for name, shard in shards.items()}, places)
