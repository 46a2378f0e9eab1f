"""Moves shards between blocks until no block holds more than its limits, then wherever that saves cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ir.graph import Array
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.holdings import Holdings, MoveCost

GAIN = 1e-3
"""The share of the cost that looking at all shards must have saved, for another look at them."""
NOTHING = 1e-9
"""As much as rounding may leave of a cost."""


class Blocks:
    """Shards in blocks that have limits, and a cost that is to be small: spikes between blocks, or what several of them hold."""

    def __init__(self, block: Array, blocks: int, cost: Cover, resources: Mapping[str, tuple[Cover, float]]) -> None:
        self.block, self._count = block.copy(), blocks
        self._cost: MoveCost = Holdings(cost, block, blocks)
        self._resources = [(Holdings(cover, block, blocks), limit) for cover, limit in resources.values()]

    def price(self, cost: MoveCost) -> None:
        """Count another cost from now on."""
        self._cost = cost

    @property
    def fullness(self) -> Array:
        """(blocks,): what each holds of its scarcest resource, as a share of the limit."""
        return np.max([np.zeros(self._count), *(each.held / limit for each, limit in self._resources)], axis=0)

    @property
    def fits(self) -> bool:
        """Whether no block is beyond a limit."""
        return bool(self.fullness.max() <= 1)

    @property
    def cost(self) -> float:
        """What is to be small."""
        return self._cost.total

    def savings(self, shard: int) -> Array:
        """(blocks,): the cost that moving a shard there saves; -inf where there is no room for it."""
        return self._with_room(shard, self._savings_anywhere(shard))

    def repair(self) -> None:
        """Take shards out of overfull blocks, the cheapest moves first, as far as others have room."""
        for full in np.flatnonzero(self.fullness > 1).tolist():
            shards = np.flatnonzero(self.block == full).tolist()
            for _, shard in sorted((-float(self.savings(shard).max()), shard) for shard in shards):
                if self.fullness[full] <= 1:
                    break
                self._move_to_best(shard, self.savings(shard))

    def improve(self) -> None:
        """Move single shards, and exchange two where a block is full, as long as that saves cost."""
        before = np.inf
        while self.cost < (1 - GAIN) * before:
            before = self.cost
            for shard in range(len(self.block)):
                saved = self._savings_anywhere(shard)
                if saved.max() <= NOTHING or self._move_to_best(shard, self._with_room(shard, saved), least=NOTHING):
                    continue
                self._exchange(shard, saved)

    def _savings_anywhere(self, shard: int) -> Array:
        """(blocks,): the cost that moving a shard there saves, room or not; -inf where it is."""
        here = self.block[shard]
        saved = self._cost.leaving(shard, here) - self._cost.joining(shard)
        saved[here] = -np.inf
        return saved

    def _with_room(self, shard: int, saved: Array) -> Array:
        """What moving a shard saves, -inf where there is no room for it."""
        full = [each.held + each.joining(shard) > limit for each, limit in self._resources]
        return np.where(np.any(full, axis=0), -np.inf, saved)

    def _move_to_best(self, shard: int, saved: Array, least: float = -np.inf) -> bool:
        """Put a shard where that saves most cost, as `savings` says; whether there is room, and that is more than `least`."""
        best = int(saved.argmax())
        if saved[best] <= least:
            return False
        self._move(shard, best)
        return True

    def _exchange(self, shard: int, saved: Array) -> None:
        """Put a shard where it saves most, room or not, and one from there in its place, if both save cost together, and fit."""
        here, there = int(self.block[shard]), int(saved.argmax())
        others = np.flatnonzero(self.block == there)
        self._move(shard, there)
        gains = saved[there] + self._cost.moving(others, there, here)
        for other in np.argsort(-gains, kind="stable").tolist():
            if gains[other] <= NOTHING:
                break
            self._move(int(others[other]), here)
            if self._has_room(here) and self._has_room(there):
                return
            self._move(int(others[other]), there)
        self._move(shard, here)

    def _has_room(self, block: int) -> bool:
        return all(each.held[block] <= limit for each, limit in self._resources)

    def _move(self, shard: int, new: int) -> None:
        old = int(self.block[shard])
        if new != old:
            for each in (self._cost, *(each for each, _ in self._resources)):
                each.move(shard, old, new)
            self.block[shard] = new
