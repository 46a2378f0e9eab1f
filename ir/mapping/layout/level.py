"""
Spreads shards over cores so that all take equally long in every step, whichever neurons fire in it.

What is even on average need not be so in any step: where layers fire by turns, a core that has one of them is late or idle. Each
shard, the largest first, goes to the core where it adds least to the sum of fourth powers of what cores take, over steps and
halves of cores, each step weighed by what its cores take on average: a smooth stand-in for the longest of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ir.graph import Array
from ir.mapping.connections import Connections
from ir.mapping.core_map import CoreMap
from ir.mapping.layout.pack import piles_of, with_room
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.timing.mean_step import Moment, way_spikes
from ir.mapping.timing.step_time import RECEIVING, SENDING
from ir.mapping.timing.ways import ways_of
from ir.mapping.timing.work import WorkCounter
from ir.profile import Mesh

POWER, NOTHING = 4, 1e-9
"""Of what cores take in a step; and what a step takes at least, in ns, if nothing in it has a time."""


def level(graph: ShardGraph, limits: Mapping[str, float], cores: int, times: Array) -> Array | None:
    """
    int64 (shards,), the core of every shard; None where one finds no room.

    Args:
        limits: resource of the graph -> what a core has of it; what is not listed has no limit.
        cores: how many there are, of which some stay empty where there are fewer shards.
        times: float (2, steps, shards), what each takes to send and to receive.
    """
    cores = min(cores, graph.shards)
    piles = piles_of(graph, limits)
    mean = times.sum(axis=2, keepdims=True) / cores
    scaled = times / np.maximum(NOTHING, mean + mean.mean()) ** (1 - 1 / POWER)
    held, core = np.zeros((cores, *times.shape[:2])), np.empty(graph.shards, np.int64)
    for shard in np.argsort(-(scaled**POWER).sum(axis=(0, 1)), kind="stable").tolist():
        own, room = scaled[:, :, shard], with_room(piles, shard, cores)
        if not len(room):
            return None
        more = ((held[room] + own) ** POWER - held[room] ** POWER).sum(axis=(1, 2))
        core[shard] = best = int(room[more.argmin()])
        held[best] += own
        for pile in piles:
            pile.put(shard, best)
    return core


def times_of(
    connections: Connections, shards: Mapping[str, Array], moments: Sequence[Moment], ns: Mapping[str, float]
) -> Array:
    """
    Float (2, steps, shards), what every shard takes to send and to receive, if each were on a core of its own.

    Args:
        shards: population -> (neurons,), the shard of every neuron, numbered through the network. ns: what every event takes.
    """
    count = 1 + max(int(own.max()) for own in shards.values())
    ways = ways_of(connections, shards)
    counter = WorkCounter(ways, CoreMap(shards, np.zeros((count, 3), np.int32)), Mesh())
    works = [counter.of(way_spikes(ways, moment)) for moment in moments]
    halves = [
        [sum(getattr(work, event) * ns[event] for event in half) for work in works] for half in (SENDING, RECEIVING)
    ]
    return np.array(halves)
