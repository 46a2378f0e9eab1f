"""What is held once per block, however many of its members are there: axons by source, weights by kernel, spikes by reader."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.mapping.relation import Relation


@dataclass(frozen=True, eq=False)
class Cover:
    """A resource of blocks: sets of shards; a block with a shard of a set holds the set."""

    sizes: Array
    """(sets,): what a block spends on it."""
    sets: Relation
    """Set -> shards."""

    def among(self, place: Array) -> Cover:
        """Of some members, by their other names; `place` as in a Relation."""
        sets = self.sets.among(place)
        some = np.flatnonzero(sets.lengths)
        return Cover(self.sizes[some], sets.take(some))

    def held(self, block: Array, blocks: int) -> Array:
        """(blocks,): what each spends, if every shard is in the block that `block` says."""
        holders = self.sets.renamed(block)
        return np.bincount(holders.members, self.sizes[holders.sets], blocks)

    def alone(self, shards: int) -> Array:
        """(shards,): what a block of a single shard spends."""
        return np.bincount(self.sets.members, self.sizes[self.sets.sets], shards)

    def shares(self, shards: int) -> Array:
        """(shards,): the sizes, every set's shared evenly by its shards."""
        return np.bincount(self.sets.members, (self.sizes / np.maximum(1, self.sets.lengths))[self.sets.sets], shards)
