"""
Maps a network for what is wanted of it: few cores, short steps, or few hops of its measured spikes.

* `cores`: shards as large as fit, packed on as few cores as can be found.
* `energy`: the same cores; spikes make few hops between them.
* `time`: as many cores as the chips of the plain map have, with work spread over them.

The plain map is kept where that is better, or where the new one exceeds a limit that it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ir.graph import Array, Graph
from ir.mapping.board import Board
from ir.mapping.fit import Fit, fit
from ir.mapping.layout.build_shard_graph import shard_graph_of, work_of
from ir.mapping.layout.lay_out import core_map, lay_out
from ir.mapping.layout.shards import cuts_of, numbered
from ir.mapping.layout.spread import spread
from ir.mapping.loads import LoadCounter, core_limits
from ir.mapping.nets import Nets, nets_of
from ir.mapping.traffic import on_blocks, traffic
from ir.profile import Profile

Objective = Literal["cores", "time", "energy"]
OBJECTIVES: tuple[Objective, ...] = ("cores", "time", "energy")


@dataclass(frozen=True)
class MapCost:
    """What a map costs at the rates that it was made for."""

    cores: int
    visits: float
    """Spikes per step times the other cores that each is sent to."""
    hops: float
    """The routers that these spikes pass."""
    busiest: float
    """Neuron updates and synaptic events per step on the core that has most of them."""

    def of(self, objective: Objective) -> tuple[float, ...]:
        """What is to be small, and what decides where that is equal."""
        first = {"cores": self.cores, "time": self.busiest, "energy": self.hops}
        return first[objective], self.hops, self.cores


@dataclass(frozen=True, eq=False)
class LaidOut:
    """The better one of two maps."""

    fit: Fit
    cost: MapCost
    plain: MapCost
    """Of the plain map."""
    is_plain: bool
    """Whether that was the better one."""


def map_for(
    graph: Graph, plain: Fit, profile: Profile, objective: Objective, rates: Mapping[str, Array], seed: int = 0
) -> LaidOut:
    """
    A map of a chip graph that has neurons.

    Args:
        plain: its plain map.
        rates: population or input -> float (neurons,), spikes of every neuron per step.

    Raises:
        CompileError: `map.partitioner` where the partitioner is not installed.
    """
    counter, limits, board = LoadCounter(graph, profile), core_limits(profile), Board.of(profile, plain.cores.cores)
    work, core_of = work_of(counter.connections, rates), plain.cores.core_of
    busy = np.bincount(np.concatenate([*core_of.values()]), np.concatenate([work[name] for name in core_of]))
    before = _cost(nets_of(counter.connections, core_of, rates), plain.cores.places, busy, board)
    cuts = cuts_of(counter, core_of, limits)
    shards, most = shard_graph_of(counter, numbered(cuts), rates), dict[str, float](limits)
    if objective == "time":
        cuts, most["work"] = spread(cuts, shards, work, limits, len(board.places))
        shards = shard_graph_of(counter, numbered(cuts), rates)
    core, places = lay_out(shards, most, board, seed)
    after = _cost(on_blocks(shards.nets, core), places, np.bincount(core, shards.work), board)
    if after.of(objective) < before.of(objective):
        found = fit(graph, profile, core_map(numbered(cuts), core, places))
        if found.loads is None or plain.loads is None or {*found.loads.over(limits)} <= {*plain.loads.over(limits)}:
            return LaidOut(found, after, before, is_plain=False)
    return LaidOut(plain, before, before, is_plain=True)


def _cost(nets: Nets, places: Array, busy: Array, board: Board) -> MapCost:
    """What a map costs, of the spikes between its cores and the work on each."""
    found = traffic(nets, places, replace(board, hop_x=1, hop_y=1))
    return MapCost(len(places), found.visits, found.hops, float(busy.max()))
