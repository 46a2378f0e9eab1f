"""
Cuts shards finer until the time of a step is spread over all cores: none takes longer than a bound, as low as cores allow.

A core updates its neurons and takes in what arrives side by side, so that both halves of it are bounded. What a bound takes is
estimated by packing: parts of a shard take no more of anything than the whole, and as many messages as they have of its pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.pack import pack
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.layout.shards import Sharding, numbered
from ir.mapping.nets import Nets
from ir.mapping.relation import Relation

HALVINGS = 7
"""Of the range from the mean time to the most, by ratio: to 3 % where they are 50 times apart."""
FINER = 1.1
"""How many times more parts a population is cut in, where those that were tried take too long."""


@dataclass(frozen=True, eq=False)
class Busy:
    """What takes the time of a population in a step."""

    sending: Array
    """float (neurons,)."""
    synapses: Array
    """float (neurons,)."""
    messages: float
    """Of the shard that takes in most of them."""

    def least(self, sharding: Sharding) -> float:
        """What a shard of a single neuron takes at most."""
        return max(float(self.sending.max()), float(self.synapses.max()) + self.messages / sharding.pixels)

    def halves(self, sharding: Sharding, finer: Sharding) -> tuple[Array, Array]:
        """(shards,) each: what finer shards take to send and to receive, about."""
        shard = finer.shards()
        received = np.bincount(shard, self.synapses) + self.messages * finer.pixels / sharding.pixels
        return np.bincount(shard, self.sending), received


def spread(
    shardings: Mapping[str, Sharding],
    graph: ShardGraph,
    busy: Mapping[str, Busy],
    limits: Mapping[str, float],
    cores: int,
) -> tuple[dict[str, Sharding], float]:
    """
    (population -> how it is cut, the most time that a core should take to send, and to receive).

    Args:
        shardings: population -> the largest shards that fit, which are those of `graph`.
        cores: how many there are.
    """
    halves = [graph.resources[name].alone(graph.shards) for name in ("sending", "receiving")]
    least = max(busy[name].least(sharding) for name, sharding in shardings.items())
    low, high, found = max(least, *(each.sum() / cores for each in halves)), float(np.max(halves)), dict(shardings)
    for _ in range(HALVINGS):
        bound = math.sqrt(low * high)
        finer = {name: _within(sharding, busy[name], bound) for name, sharding in shardings.items()}
        most = {**limits, "sending": bound, "receiving": bound}
        if pack(_estimated(graph, shardings, finer, busy), most).max() < cores:
            found, high = finer, bound
        else:
            low = bound
    return found, high


def _within(sharding: Sharding, busy: Busy, bound: float) -> Sharding:
    """The coarsest sharding found whose parts take no longer than the bound, which is no less than the least of all."""
    parts = max(sharding.parts, math.ceil(max(busy.sending.sum(), busy.synapses.sum()) / bound))
    while True:
        finer = sharding.finer(parts)
        if np.max(busy.halves(sharding, finer)) <= bound or finer.parts == sharding.neurons.size:
            return finer
        parts = max(finer.parts + 1, int(parts * FINER))


def _estimated(
    graph: ShardGraph, shardings: Mapping[str, Sharding], finer: Mapping[str, Sharding], busy: Mapping[str, Busy]
) -> ShardGraph:
    """Finer shards: their neurons and halves, and of all else what the shard takes that holds most of them."""
    coarse, fine = (np.concatenate([*numbered(each).values()]) for each in (shardings, finer))
    neurons = np.bincount(fine)
    whole = np.empty(len(neurons), np.int64)
    whole[fine] = coarse
    each, halves = (
        Relation.one_each(len(neurons)),
        [busy[name].halves(sharding, finer[name]) for name, sharding in shardings.items()],
    )
    resources = {name: Cover(cover.alone(graph.shards)[whole], each) for name, cover in graph.resources.items()}
    sending, receiving = (Cover(np.concatenate(half), each) for half in zip(*halves, strict=True))
    resources |= {"neurons": Cover(neurons, each), "sending": sending, "receiving": receiving}
    none = np.zeros(0, np.int64)
    return ShardGraph(
        np.zeros(len(neurons)), resources, Nets(none, none, np.zeros(0), Relation(np.zeros(1, np.int64), none))
    )
