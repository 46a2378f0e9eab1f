"""
Divides shards over cores: a multilevel hypergraph partitioner (Mt-KaHyPar) under the scarcest resource, repair under all of them.

The partitioner minimises spikes times the further blocks that each reaches (connectivity - 1, "KM1"): what they cost, before they
make hops, if they are sent to every core by themselves. It knows one weight per vertex; other limits are repaired.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

import numpy as np

from ir.errors import CompileError
from ir.graph import Array
from ir.mapping.layout.blocks import Blocks
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.relation import Relation

if TYPE_CHECKING:
    from mtkahypar import Initializer

Objective = Literal["cores", "time", "energy"]
"""Fewest cores; the least work on the busiest one of all cores; the fewest spikes between cores."""
Resources = Mapping[str, tuple[Cover, float]]
"""Name -> what blocks hold of a resource, and the limit."""
BALANCE = 0.03
"""How much more than the mean a block may have where nothing else limits it."""
LEAST_SLACK = 0.01
"""What the partitioner is given beyond the mean at least; what is too much then is repaired."""
STEP = 50
"""The part of the cores that are more in the next attempt, where an attempt does not fit."""
TIE = 0.01
"""What spikes count beside cores, where cores are what is to be few."""
TOTAL = 1 << 30
"""What weights of vertices, and of nets times their members, add up to: the partitioner counts in whole numbers of 32 bits."""


def is_available() -> bool:
    """Whether the partitioner is installed (the extra `map`)."""
    return find_spec("mtkahypar") is not None


def partition(graph: ShardGraph, limits: Mapping[str, int], cores: int, objective: Objective, seed: int = 0) -> Blocks:
    """
    The shards in blocks, each for a core; some may be empty, and none holds more than the limits.

    Args:
        limits: one of RESOURCES -> what a core has of it; what is not listed has no limit.
        cores: how many there are; for `time` all are used, else as few as the objective wants.

    Raises:
        CompileError: `map.partitioner` where the partitioner is not installed, `map.room` where the shards do not fit.
    """
    if not is_available():
        hint = "install the extra `map`; without it networks are split layer by layer"
        raise CompileError("map.partitioner", "the partitioner mtkahypar is not installed", hint=hint)
    resources = {name: (cover, float(limits[name])) for name, cover in graph.resources.items() if name in limits}
    cost = _copies(graph.traffic, resources) if objective == "cores" else graph.traffic
    task = _Task(graph.shards, cost, resources, seed)
    if objective == "time":
        return _balanced(task, graph.work, cores)
    return _fewest(task, cores)


@dataclass(frozen=True, eq=False)
class _Task:
    shards: int
    cost: Cover
    """What blocks should hold little of."""
    resources: Resources
    seed: int

    def limited(self, name: str, cover: Cover, limit: float) -> _Task:
        """The same with one more limit."""
        return replace(self, resources={**self.resources, name: (cover, limit)})


def _copies(traffic: Cover, resources: Resources) -> Cover:
    """What fills cores: all that they hold, hence what is held in several of them, and spikes where that is equal."""
    shares = [cover.scaled(1 / limit) for cover, limit in resources.values()]
    most = sum(float(each.sizes.sum()) for each in shares) or 1.0
    return Cover.joined([*shares, traffic.scaled(TIE * most / max(traffic.sizes.sum(), TIE))])


def _fewest(task: _Task, cores: int) -> Blocks:
    """As few blocks as can be found, at most `cores`."""
    count = max([1, *(math.ceil(cover.sizes.sum() / limit) for cover, limit in task.resources.values())])
    while count <= min(cores, task.shards):
        blocks = _filled(task, count)
        if blocks.fits:
            blocks.dissolve()
            return blocks
        count = max(count + 1 + count // STEP, math.ceil(blocks.needed))
    raise _no_room(task, cores)


def _filled(task: _Task, count: int) -> Blocks:
    """`count` blocks with room for what is scarcest, mended for the rest as far as that goes."""
    needs = [cover.shares(task.shards) / limit for cover, limit in task.resources.values()]
    weights = max(needs, key=lambda each: each.sum(), default=np.zeros(task.shards))
    if not weights.any():
        return _mended(task, _divided(task, np.ones(task.shards), count, BALANCE), count)
    return _mended(task, _divided(task, weights, count, max(count / weights.sum() - 1, LEAST_SLACK)), count)


def _balanced(task: _Task, work: Array, cores: int) -> Blocks:
    """All cores, with work as equal as is found within the limits."""
    count, each = min(cores, task.shards), Relation.one_each(task.shards)
    most = max((1 + BALANCE) * work.sum() / count, work.max())
    blocks = _mended(task.limited("work", Cover(work, each), most), _divided(task, work, count, BALANCE), count)
    if not blocks.fits:
        reached = max(most, np.bincount(blocks.block, work).max())
        blocks = _mended(task.limited("work", Cover(work, each), reached), blocks.block, count)
    if not blocks.fits:
        raise _no_room(task, cores)
    return blocks


def _mended(task: _Task, block: Array, count: int) -> Blocks:
    blocks = Blocks(block, count, task.cost, task.resources)
    blocks.repair()
    blocks.improve()
    return blocks


def _no_room(task: _Task, cores: int) -> CompileError:
    fill, name = max((cover.sizes.sum() / limit, name) for name, (cover, limit) in task.resources.items())
    what = f"the network does not fit {cores} cores: all {name} of it, each held once, fill {fill:.1f}"
    return CompileError("map.room", what, hint="more chips, larger cores or smaller shards")


def _divided(task: _Task, weights: Array, count: int, slack: float) -> Array:
    """(shards,): blocks of at most (1 + slack) times the mean weight, if the partitioner finds such; the same for a seed."""
    import mtkahypar

    cost = task.cost
    cut = np.flatnonzero((cost.sets.lengths > 1) & (cost.sizes > 0))
    if count == 1 or not len(cut):
        return np.arange(task.shards) * count // task.shards
    nets, sizes = cost.sets.take(cut), cost.sizes[cut]
    costs = np.maximum(1, sizes * (TOTAL / (sizes * nets.lengths).sum())).astype(np.int64)
    vertices = np.maximum(1, weights * (TOTAL / weights.sum())).astype(np.int64)
    started = library()
    mtkahypar.set_seed(task.seed)
    context = started.context_from_preset(mtkahypar.PresetType.DETERMINISTIC)
    context.logging = False
    context.set_partitioning_parameters(count, slack, mtkahypar.Objective.KM1)
    members = [each.tolist() for each in np.split(nets.members, nets.starts[1:-1])]
    hypergraph = started.create_hypergraph(context, task.shards, len(cut), members, vertices.tolist(), costs.tolist())
    return np.array(hypergraph.partition(context).get_partition(), np.int64)


@cache
def library() -> Initializer:
    """The partitioner with one thread; it starts once in a process."""
    import mtkahypar

    return mtkahypar.initialize(1)
