"""
Cuts shards finer until the work of a step is spread over all cores: no shard has more than a bound, as low as cores allow.

The bound is searched for by packing estimates: a part of a shard takes no more than the whole of anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ir.graph import Array
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.pack import pack
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.layout.shards import Cut, numbered
from ir.mapping.nets import Nets
from ir.mapping.relation import Relation

HALVINGS = 7
"""Of the range from the mean work to the most, by ratio: to 3 % where they are 50 times apart."""
FINER = 1.05
"""How many more parts a population is cut in, where the spikes of some are above the mean."""


def spread(
    cuts: Mapping[str, Cut], graph: ShardGraph, work: Mapping[str, Array], limits: Mapping[str, float], cores: int
) -> tuple[dict[str, Cut], float]:
    """
    (population -> how it is cut, the most work that a core should have).

    Args:
        cuts: population -> the largest shards that fit, which are those of `graph`.
        work: population -> float (neurons,), of every neuron per step.
        cores: how many there are.
    """
    least = max(float(each.max()) for each in work.values())
    low, high, found = max(least, graph.work.sum() / cores), float(graph.work.max()), dict(cuts)
    for _ in range(HALVINGS):
        bound = math.sqrt(low * high)
        finer = {name: _within(cut, work[name], bound) for name, cut in cuts.items()}
        if pack(_estimated(graph, cuts, finer, work), {**limits, "work": bound}).max() < cores:
            found, high = finer, bound
        else:
            low = bound
    return found, high


def _within(cut: Cut, work: Array, bound: float) -> Cut:
    """The coarsest cut found whose parts have no more work than the bound, which no neuron exceeds alone."""
    parts = max(cut.parts, math.ceil(work.sum() / bound))
    while True:
        finer = cut.finer(parts)
        if np.bincount(finer.shards(), work).max() <= bound:
            return finer
        parts = max(finer.parts + 1, int(parts * FINER))


def _estimated(
    graph: ShardGraph, cuts: Mapping[str, Cut], finer: Mapping[str, Cut], work: Mapping[str, Array]
) -> ShardGraph:
    """Shards of finer cuts: their neurons and work, and of all else what the shard takes that holds most of them."""
    coarse, fine = (np.concatenate([*numbered(each).values()]) for each in (cuts, finer))
    total, neurons = np.bincount(fine, np.concatenate([work[name] for name in finer])), np.bincount(fine)
    whole = np.empty(len(neurons), np.int64)
    whole[fine] = coarse
    each = Relation.one_each(len(neurons))
    resources = {name: Cover(cover.alone(graph.shards)[whole], each) for name, cover in graph.resources.items()}
    resources |= {"neurons": Cover(neurons, each), "work": Cover(total, each)}
    none = np.zeros(0, np.int64)
    return ShardGraph(total, resources, Nets(none, none, np.zeros(0), Relation(np.zeros(1, np.int64), none)))
