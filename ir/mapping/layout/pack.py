"""Packs shards on cores: the largest first, each where it finds room and most of what it reads, or on a core of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ir.graph import Array
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.shard_graph import ShardGraph


def pack(graph: ShardGraph, limits: Mapping[str, float]) -> Array:
    """
    int64 (shards,), the core of every shard, numbered from 0; what exceeds a limit by itself has a core of its own.

    Args:
        limits: resource of the graph -> what a core has of it; what is not listed has no limit.
    """
    piles = piles_of(graph, limits)
    traffic, core, count = Pile(graph.traffic, graph.shards, np.inf), np.empty(graph.shards, np.int64), 0
    fullness = np.max([np.zeros(graph.shards), *(pile.alone / pile.most for pile in piles)], axis=0)
    for shard in np.argsort(-fullness, kind="stable").tolist():
        room = with_room(piles, shard, count)
        if len(room):
            full = np.max([np.zeros(len(room)), *(pile.held[room] / pile.most for pile in piles)], axis=0)
            core[shard] = room[np.lexsort([-full, traffic.joining(shard, room)])[0]]
        else:
            core[shard], count = count, count + 1
        for pile in (*piles, traffic):
            pile.put(shard, int(core[shard]))
    return core


class Pile:
    """What cores hold of one resource."""

    def __init__(self, cover: Cover, shards: int, most: float) -> None:
        self.most, self.alone, self.held = most, cover.alone(shards), np.zeros(shards)
        common = np.flatnonzero(cover.sets.lengths > 1)
        self._sizes, self._sets = cover.sizes[common], cover.sets.take(common).inverse(shards)
        self._there = np.zeros((shards, len(common)), np.bool_)

    def joining(self, shard: int, cores: Array) -> Array:
        """(cores,): what each would hold more with a shard."""
        sets = self._sets.of_set(shard)
        return self.alone[shard] - self._there[cores[:, None], sets] @ self._sizes[sets]

    def put(self, shard: int, core: int) -> None:
        """Put a shard on a core."""
        self.held[core] += self.joining(shard, np.array([core]))[0]
        self._there[core, self._sets.of_set(shard)] = True


def piles_of(graph: ShardGraph, limits: Mapping[str, float]) -> list[Pile]:
    """Of every resource with a limit, nothing on any core so far; as in `pack`."""
    return [Pile(cover, graph.shards, most) for cover, most in graph.limited(limits).values()]


def with_room(piles: Sequence[Pile], shard: int, cores: int) -> Array:
    """Which of the first so many cores hold a shard within all limits."""
    room = np.arange(cores)
    for pile in piles:
        room = room[pile.held[room] + pile.joining(shard, room) <= pile.most]
    return room
