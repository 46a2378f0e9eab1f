"""
Cuts shards finer until the work of a step is spread over all cores: no shard has more of it than a bound, as low as there are cores.

The bound is searched for by packing estimates: a part of a shard takes no more than the whole of anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import numpy as np

from ir.graph import Array
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.pack import pack
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.layout.shards import Cut, numbered
from ir.mapping.nets import Nets
from ir.mapping.relation import Relation

HALVINGS = 7
"""Of the range between the mean work and the most: the bound is found to 1 % of it."""
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
    low, high, found = graph.work.sum() / cores, float(graph.work.max()), dict(cuts)
    for _ in range(HALVINGS):
        bound = (low + high) / 2
        finer = {name: _within(cut, work[name], bound) for name, cut in cuts.items()}
        if pack(_estimated(graph, cuts, finer, work), {**limits, "work": bound}).max() < cores:
            found, high = finer, bound
        else:
            low = bound
    return found, high


def _within(cut: Cut, work: Array, bound: float) -> Cut:
    """The coarsest cut found whose parts have no more work than the bound, unless a single neuron does."""
    parts = max(cut.parts, ceil(work.sum() / bound))
    while True:
        finer = cut.finer(parts)
        if np.bincount(finer.shards(), work).max() <= bound or finer.parts == cut.neurons.size:
            return finer
        parts = max(finer.parts + 1, int(parts * FINER))


def _estimated(
    graph: ShardGraph, cuts: Mapping[str, Cut], finer: Mapping[str, Cut], work: Mapping[str, Array]
) -> ShardGraph:
    """Shards of finer cuts, each with what the one takes that holds most of it."""
    whole = np.empty(sum(cut.parts for cut in finer.values()), np.int64)
    for coarse, fine in zip(numbered(cuts).values(), numbered(finer).values(), strict=True):
        whole[fine] = coarse
    total = np.bincount(np.concatenate([*numbered(finer).values()]), np.concatenate([work[name] for name in finer]))
    each = Relation.one_each(len(whole))
    resources = {name: Cover(cover.alone(graph.shards)[whole], each) for name, cover in graph.resources.items()}
    nothing = Nets(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), Relation(np.zeros(1, np.int64), np.zeros(0, np.int64)))
    return ShardGraph(total, {**resources, "work": Cover(total, each)}, nothing)
