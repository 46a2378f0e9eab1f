"""Spreads cores over chips so that few spikes pass between chips, and puts chips that talk to each other side by side."""

from __future__ import annotations

import numpy as np

from ir.graph import Array
from ir.mapping.board import Board
from ir.mapping.layout.blocks import Blocks
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.partition import divide
from ir.mapping.layout.placement import place
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.nets import Nets
from ir.mapping.relation import Relation
from ir.mapping.timing.traffic import core_flow, on_blocks


def chips_of(nets: Nets, cores: int, board: Board, seed: int = 0) -> Array:
    """(cores,), the chip of every core, on as few chips as there must be; CompileError `map.partitioner`."""
    room = len(board.places) // board.chips
    count = -(-cores // room)
    if count == 1:
        return np.zeros(cores, np.int64)
    each = Cover(np.ones(cores), Relation.one_each(cores))
    traffic = ShardGraph(np.ones(cores), {}, nets).traffic
    chip = divide(traffic, np.ones(cores), count, room * count / cores - 1, seed)
    blocks = Blocks(chip, count, traffic, {"cores": (each, room)})
    blocks.repair()
    chip = blocks.block if blocks.fits else np.arange(cores) // room
    places = place(core_flow(on_blocks(nets, chip), count), Board(count, 1), seed)
    return places[chip, 1]
