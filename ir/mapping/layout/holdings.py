"""Counts that follow shards as they move from block to block: what blocks hold of a cover, and hops of spikes between them."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ir.graph import Array
from ir.mapping.layout.cover import Cover
from ir.mapping.nets import OUTSIDE, Nets
from ir.mapping.relation import Relation


class MoveCost(Protocol):
    """What a move of a shard saves and costs."""

    def joining(self, shard: int) -> Array:
        """(blocks,): what each would cost more with the shard."""
        ...

    def leaving(self, shard: int, block: int) -> float:
        """What its block would cost less without the shard."""
        ...

    def moving(self, shards: Array, old: int, new: int) -> Array:
        """(shards,): what is saved by moving each, and it alone, from one block to another."""
        ...

    def move(self, shard: int, old: int, new: int) -> None:
        """Take a shard from one block to another."""
        ...

    @property
    def total(self) -> float:
        """The cost of all blocks."""
        ...


class Holdings:
    """What blocks hold of a cover."""

    def __init__(self, cover: Cover, block: Array, blocks: int) -> None:
        self._sizes = cover.sizes.astype(np.float64)
        self._sets = cover.sets.inverse(len(block))
        self._shards = _counts(cover.sets, block, blocks)
        self.held = self._sizes @ (self._shards > 0)

    @property
    def total(self) -> float:
        """What all blocks hold."""
        return float(self.held.sum())

    def joining(self, shard: int) -> Array:
        """(blocks,): what each would hold more with a shard that is elsewhere."""
        sets = self._sets.of_set(shard)
        return self._sizes[sets] @ (self._shards[sets] == 0)

    def leaving(self, shard: int, block: int) -> float:
        """What its block would hold less without a shard."""
        sets = self._sets.of_set(shard)
        return float(self._sizes[sets] @ (self._shards[sets, block] == 1))

    def moving(self, shards: Array, old: int, new: int) -> Array:
        """(shards,): what is saved by moving each, and it alone, from one block to another."""
        sets = self._sets.take(shards)
        there = self._shards[sets.members]
        alone, absent = there[:, old] == 1, there[:, new] == 0
        return np.bincount(sets.sets, self._sizes[sets.members] * (1.0 * alone - absent), len(shards))

    def move(self, shard: int, old: int, new: int) -> None:
        """Take a shard from one block to another."""
        self.held[old] -= self.leaving(shard, old)
        self.held[new] += self.joining(shard)[new]
        sets = self._sets.of_set(shard)
        self._shards[sets, old] -= 1
        self._shards[sets, new] += 1


class HopCosts:
    """Hops of spikes between blocks that are at places; a net that reads itself is taken to go where it was."""

    def __init__(self, nets: Nets, block: Array, distances: Array) -> None:
        inside = np.flatnonzero(nets.source != OUTSIDE)
        self._spikes, self._reads = nets.spikes, nets.readers.inverse(len(block))
        self._sends = Relation.of(nets.source[inside], inside, len(block))
        self._shards = _counts(nets.readers, block, len(distances))
        self._home = np.where(nets.source == OUTSIDE, OUTSIDE, block[nets.source])
        self._distances = np.vstack([distances, np.zeros(len(distances))])  # the last row is OUTSIDE's

    @property
    def total(self) -> float:
        """All hops."""
        return float(self._spikes @ (self._distances[self._home] * (self._shards > 0)).sum(axis=1))

    def joining(self, shard: int) -> Array:
        """(blocks,): the hops that lead to the shard and from it, if it is there; those to others of the block apart."""
        read, sent = self._reads.of_set(shard), self._sends.of_set(shard)
        arriving = self._spikes[read] @ (self._distances[self._home[read]] * (self._shards[read] == 0))
        return arriving + self._distances[:-1] @ (self._spikes[sent] @ (self._shards[sent] > 0))

    def leaving(self, shard: int, block: int) -> float:
        """The hops that lead to the shard alone in its block, and from it."""
        read, sent = self._reads.of_set(shard), self._sends.of_set(shard)
        arriving = (self._spikes[read] * self._distances[self._home[read], block]) @ (self._shards[read, block] == 1)
        return float(arriving + (self._spikes[sent] @ (self._shards[sent] > 0)) @ self._distances[block])

    def moving(self, shards: Array, old: int, new: int) -> Array:
        """(shards,): what is saved by moving each, and it alone, from one block to another."""
        read, sent = self._reads.take(shards), self._sends.take(shards)
        there, ways = self._shards[read.members], self._distances[self._home[read.members]]
        arriving = ways[:, old] * (there[:, old] == 1) - ways[:, new] * (there[:, new] == 0)
        leaving = (self._shards[sent.members] > 0) @ (self._distances[old] - self._distances[new])
        saved = np.bincount(read.sets, self._spikes[read.members] * arriving, len(shards))
        return saved + np.bincount(sent.sets, self._spikes[sent.members] * leaving, len(shards))

    def move(self, shard: int, old: int, new: int) -> None:
        """Take a shard from one block to another."""
        read = self._reads.of_set(shard)
        self._shards[read, old] -= 1
        self._shards[read, new] += 1
        self._home[self._sends.of_set(shard)] = new


def _counts(sets: Relation, block: Array, blocks: int) -> Array:
    """int32 (sets, blocks): the shards of a set that are in a block."""
    pairs = sets.sets * blocks + block[sets.members]
    return np.bincount(pairs, minlength=sets.count * blocks).reshape(-1, blocks).astype(np.int32)
