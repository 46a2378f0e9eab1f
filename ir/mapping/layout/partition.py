"""
Divides shards over cores, and cores over chips: a multilevel hypergraph partitioner (Mt-KaHyPar), and repair under all limits.

The partitioner minimises spikes times the further blocks that each reaches (connectivity - 1, "KM1"): what they cost, before they
make hops, if they are sent to every core by themselves. It knows one weight per vertex; other limits are repaired.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from ir.errors import CompileError
from ir.graph import Array
from ir.mapping.layout.blocks import Blocks
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.shard_graph import ShardGraph

if TYPE_CHECKING:
    from mtkahypar import Initializer

BALANCE = 0.03
"""How much more than the mean a block may have where nothing else limits it."""
LEAST_SLACK = 0.01
"""What the partitioner is given beyond the mean at least; what is too much then is repaired."""
TOTAL = 1 << 30
"""What weights of vertices, and of nets times their members, add up to: the partitioner counts in whole numbers of 32 bits."""


def is_available() -> bool:
    """Whether the partitioner is installed (the extra `map`)."""
    return find_spec("mtkahypar") is not None


def partition(graph: ShardGraph, limits: Mapping[str, float], count: int, seed: int = 0) -> Blocks:
    """
    The shards in `count` blocks, few spikes between them; whether all limits are kept is for the caller to ask.

    Args:
        limits: resource of the graph -> what a block may hold of it; what is not listed has no limit.

    Raises:
        CompileError: `map.partitioner` where the partitioner is not installed.
    """
    resources = graph.limited(limits)
    needs = [cover.shares(graph.shards) / limit for cover, limit in resources.values()]
    scarcest = max(needs, key=lambda each: each.sum(), default=np.zeros(graph.shards))
    full = float(scarcest.sum())
    slack = max(count / full - 1, LEAST_SLACK) if full else BALANCE
    block = divide(graph.traffic, scarcest if full else np.ones(graph.shards), count, slack, seed)
    blocks = Blocks(block, count, graph.traffic, resources)
    blocks.repair()
    blocks.improve()
    return blocks


def divide(cost: Cover, weights: Array, count: int, slack: float, seed: int) -> Array:
    """
    (shards,): blocks of at most (1 + slack) times the mean weight, if the partitioner finds such; the same for a seed.

    Raises:
        CompileError: `map.partitioner` where the partitioner is not installed.
    """
    if not is_available():
        hint = "install the extra `map`; without it networks are split layer by layer"
        raise CompileError("map.partitioner", "the partitioner mtkahypar is not installed", hint=hint)
    import mtkahypar

    cut = np.flatnonzero((cost.sets.lengths > 1) & (cost.sizes > 0))
    if count == 1 or not len(cut):
        return np.arange(len(weights)) * count // len(weights)
    nets, sizes = cost.sets.take(cut), cost.sizes[cut]
    costs = np.maximum(1, sizes * (TOTAL / (sizes * nets.lengths).sum())).astype(np.int64)
    vertices = np.maximum(1, weights * (TOTAL / weights.sum())).astype(np.int64)
    started = library()
    mtkahypar.set_seed(seed)
    context = started.context_from_preset(mtkahypar.PresetType.DETERMINISTIC)
    context.logging = False
    context.set_partitioning_parameters(count, slack, mtkahypar.Objective.KM1)
    members = [each.tolist() for each in np.split(nets.members, nets.starts[1:-1])]
    hypergraph = started.create_hypergraph(context, len(weights), len(cut), members, vertices.tolist(), costs.tolist())
    return np.array(hypergraph.partition(context).get_partition(), np.int64)


@cache
def library() -> Initializer:
    """The partitioner with one thread; it starts once in a process."""
    import mtkahypar

    return mtkahypar.initialize(1)
