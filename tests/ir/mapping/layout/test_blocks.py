"""Repair and descent on a small ring of shards."""

from __future__ import annotations

import numpy as np

from ir.mapping.layout.blocks import Blocks
from ir.mapping.layout.cover import Cover
from ir.mapping.relation import Relation

RING = 12
NEIGHBOURS = Relation.of(np.repeat(np.arange(RING), 2), (np.arange(2 * RING) + 1) // 2 % RING, RING)
COST = Cover(np.ones(RING), NEIGHBOURS)
"""Every two neighbours of a ring share something."""
EACH = Cover(np.ones(RING, np.int64), Relation.one_each(RING))


def blocks(block: list[int], count: int, most: int, pairs: int = RING) -> Blocks:
    return Blocks(np.array(block), count, COST, {"shards": (EACH, most), "pairs": (COST, pairs)})


def test_overfull_blocks_are_emptied_as_far_as_there_is_room():
    crowded = blocks([0] * 8 + [1] * 2 + [2] * 2, 3, 4)
    assert not crowded.fits
    crowded.repair()
    assert crowded.fits
    assert np.bincount(crowded.block).tolist() == [4, 4, 4]
    hopeless = blocks([0] * 12, 3, 3)
    hopeless.repair()
    assert not hopeless.fits


def test_moves_lower_the_cost_within_all_limits():
    scattered = blocks([0, 1] * 6, 2, 7)
    before = scattered.cost
    scattered.improve()
    assert scattered.cost == COST.held(scattered.block, 2).sum() < before
    assert np.bincount(scattered.block).max() <= 7
    narrow = blocks([0, 1] * 6, 2, 7, pairs=12)
    narrow.improve()
    assert narrow.fits


def test_full_blocks_exchange_shards():
    scattered = blocks([0, 0, 0, 1, 0, 0, 1, 1, 1, 0, 1, 1], 2, 6)
    assert all(scattered.savings(shard).max() == -np.inf for shard in range(RING)), "neither block has room"
    scattered.improve()
    assert np.bincount(scattered.block).tolist() == [6, 6]
    assert scattered.cost == RING + 2, "both blocks hold what is shared where two arcs of a ring meet"


def test_an_exchange_keeps_limits_that_its_shards_fill_unequally():
    sizes = np.array([2, 1, 1, 2])
    shared = Cover(np.ones(2), Relation.of(np.array([0, 0, 1, 1]), np.array([0, 1, 2, 3]), 2))
    apart = Blocks(np.array([0, 1, 0, 1]), 2, shared, {"bytes": (Cover(sizes, Relation.one_each(4)), 3)})
    apart.improve()
    assert apart.cost == 2
    assert apart.block[0] == apart.block[1] != apart.block[2] == apart.block[3]
    stuck = Blocks(
        np.array([0, 1, 0, 1]), 2, shared, {"bytes": (Cover(np.array([2, 3, 2, 1]), Relation.one_each(4)), 4)}
    )
    stuck.improve()
    assert stuck.block.tolist() == [0, 1, 0, 1], "what is 2 and 3 large does not fit one block of 4"
