"""Counts that follow moves, against counts from scratch after every move."""

from __future__ import annotations

import numpy as np
import pytest

from ir.mapping.board import Board
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.holdings import Holdings, HopCosts
from ir.mapping.nets import OUTSIDE, Nets
from ir.mapping.relation import Relation
from ir.mapping.timing.traffic import core_flow, on_blocks

SHARDS, BLOCKS = 9, 4


def random_relation(random: np.random.Generator, sets: int) -> Relation:
    return Relation.of(random.integers(0, sets, 40), random.integers(0, SHARDS, 40), sets)


@pytest.mark.parametrize("seed", range(3))
def test_holdings_are_those_of_the_cover(seed: int):
    random = np.random.default_rng(seed)
    cover, block = Cover(random.integers(1, 9, 12), random_relation(random, 12)), random.integers(0, BLOCKS, SHARDS)
    holdings = Holdings(cover, block, BLOCKS)
    for _ in range(20):
        shard, old, new = int(random.integers(SHARDS)), 0, int(random.integers(BLOCKS))
        old = int(block[shard])
        if new == old:
            continue
        mates = np.flatnonzero(block == old)
        alone = [holdings.leaving(mate, old) - holdings.joining(mate)[new] for mate in mates.tolist()]
        assert holdings.moving(mates, old, new).tolist() == alone
        expected = holdings.held.copy()
        expected[old] -= holdings.leaving(shard, old)
        expected[new] += holdings.joining(shard)[new]
        block[shard] = new
        holdings.move(shard, old, new)
        held = [
            sum(int(cover.sizes[k]) for k in range(12) if each in block[cover.sets.of_set(k)]) for each in range(BLOCKS)
        ]
        assert holdings.held.tolist() == expected.tolist() == cover.held(block, BLOCKS).tolist() == held
        assert holdings.total == sum(held)


@pytest.mark.parametrize("seed", range(3))
def test_hops_are_those_of_the_flow(seed: int):
    random, board = np.random.default_rng(seed), Board(2, 2, hop_y=3)
    distances, block = board.distances(board.places), random.integers(0, BLOCKS, SHARDS)
    source = np.array([*range(SHARDS), OUTSIDE])
    pairs = [(net, int(reader)) for net in range(10) for reader in set(random.integers(0, SHARDS, 3)) - {source[net]}]
    readers = Relation.of(*np.array(pairs).T, 10)
    nets = Nets(source, np.ones(10), random.integers(0, 9, 10) / 8, readers)
    costs = HopCosts(nets, block, distances)
    for _ in range(20):
        shard, new = int(random.integers(SHARDS)), int(random.integers(BLOCKS))
        old = int(block[shard])
        if new == old:
            continue
        mates = np.flatnonzero(block == old)
        alone = [costs.leaving(mate, old) - costs.joining(mate)[new] for mate in mates.tolist()]
        assert costs.moving(mates, old, new).tolist() == alone
        expected = costs.total - costs.leaving(shard, old) + costs.joining(shard)[new]
        block[shard] = new
        costs.move(shard, old, new)
        assert costs.total == expected == (core_flow(on_blocks(nets, block), BLOCKS) * distances).sum()
