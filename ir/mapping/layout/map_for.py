"""
Maps a network for what is wanted of it: few cores, short steps, or few hops of its measured spikes.

* `cores`, `energy`: shards as large as fit, packed on few cores, whose spikes make few hops; and smaller ones, in which more of
  what belongs together finds room. The map of fewest cores is taken, or that of fewest hops.
* `time`: up to as many cores as the chips of the plain map have, with what takes time spread over them: on average, and step by
  step, where it is known who fires when.

The plain map is kept where that is better, or where the new one exceeds a limit that it does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from ir.graph import Array, Graph
from ir.mapping.board import Board
from ir.mapping.connections import Connections
from ir.mapping.core_map import CoreMap
from ir.mapping.fit import Fit, fit
from ir.mapping.layout.build_shard_graph import events_of, shard_graph_of
from ir.mapping.layout.lay_out import lay_out, put_down
from ir.mapping.layout.level import level, times_of
from ir.mapping.layout.pack import pack
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.layout.shards import Sharding, numbered, shardings_of
from ir.mapping.layout.spread import Busy, spread
from ir.mapping.loads import LoadCounter, core_limits
from ir.mapping.nets import nets_of
from ir.mapping.timing.mean_step import Moment, mean_step
from ir.mapping.timing.message_queues import Loop
from ir.mapping.timing.step_messages import can_be_followed
from ir.mapping.timing.step_time import readings
from ir.mapping.timing.traffic import traffic, visits
from ir.mapping.timing.ways import ways_of
from ir.profile import Mesh, Profile

Objective = Literal["cores", "time", "energy"]
PARTS = (4, 2, 1)
"""For short steps, a map is tried on these parts of the cores: more of them have less to do, and more messages to send."""
FULL, ROUNDS = 0.9, 3
"""Where a map fills less of them, or takes more, since parts of a shard were not what was feared, others are tried, so often."""
LEVELS = (1, 2, 4)
"""To spread steps, populations are cut into so many times as many shards as there are cores."""
GRAINS = (4, 8)
"""For few cores or hops, shards of so many times fewer channels are tried, too."""
MOST_MESSAGES, FEWEST = 1_000_000, 4
"""Maps are compared by steps that have so many messages on the plain map, if that are so many steps at least, else by rates."""
MOST_SHARDS = 4000
"""As many are still quick to lay out; of larger networks the largest shards are the only ones tried."""
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
    step: float | None = None
    """What a step takes on average, in ns; None where nobody asks, or the profile states no times."""

    def of(self, objective: Objective) -> tuple[float, ...]:
        """What is to be small, and what decides where that is equal."""
        first = {"cores": self.cores, "time": self.busiest if self.step is None else self.step, "energy": self.hops}
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
    graph: Graph,
    plain: Fit,
    profile: Profile,
    objective: Objective,
    rates: Mapping[str, Array],
    moments: Sequence[Moment] = (),
    loop: Loop | None = None,
    seed: int = 0,
) -> LaidOut:
    """
    A map of a chip graph that has neurons.

    Args:
        plain: its plain map.
        rates: population or input -> float (neurons,), spikes of every neuron per step.
        moments: who fires in some steps, drawn in any order.
        loop: follows messages, which wait for each other; None: none waits.

    Raises:
        CompileError: `map.partitioner` where the partitioner is not installed.
    """
    counter, board = LoadCounter(graph, profile), Board.of(profile, plain.cores.cores)
    timed = compared_by(counter.connections, plain.cores, profile.mesh, rates, moments, loop)
    task = _Task(counter, profile, objective, rates, moments, timed, board, seed)
    best, limits = LaidOut(plain, before := task.cost(plain.cores), before, is_plain=True), core_limits(profile)
    for cores in task.maps(plain):
        cost = task.cost(cores)
        if cost.of(objective) < best.cost.of(objective):
            found = fit(graph, profile, cores)
            if found.loads is None or plain.loads is None or {*found.loads.over(limits)} <= {*plain.loads.over(limits)}:
                best = LaidOut(found, cost, before, is_plain=False)
    return best


def compared_by(
    connections: Connections,
    plain: CoreMap,
    mesh: Mesh,
    rates: Moment,
    moments: Sequence[Moment],
    loop: Loop | None,
) -> tuple[Sequence[Moment], Loop | None]:
    """The steps by which maps are compared, and what follows messages in them; as in `map_for`."""
    followed = int(MOST_MESSAGES / max(1.0, visits(nets_of(connections, plain.core_of, rates))))
    if min(followed, len(moments)) < FEWEST:
        return [rates], None
    return moments[:followed], loop if can_be_followed(ways_of(connections, plain.core_of), plain, mesh) else None


@dataclass(frozen=True, eq=False)
class _Task:
    counter: LoadCounter
    profile: Profile
    objective: Objective
    rates: Mapping[str, Array]
    moments: Sequence[Moment]
    timed: tuple[Sequence[Moment], Loop | None]
    """As `compared_by` says."""
    board: Board
    seed: int

    def maps(self, plain: Fit) -> Iterator[CoreMap]:
        """What is tried."""
        limits, room = core_limits(self.profile), len(self.board.places)
        shardings = shardings_of(self.counter, plain.cores.core_of, limits)
        graph = self.graph(shardings)
        if self.objective != "time":
            yield from self.packed(shardings, graph, limits)
            for times in GRAINS if graph.shards * max(GRAINS) <= MOST_SHARDS else ():
                narrower = {name: sharding.narrower(times) for name, sharding in shardings.items()}
                yield from self.packed(narrower, self.graph(narrower), limits)
            return
        busy = self.busy(shardings, graph)
        for cores in (room // part for part in PARTS if room // part >= plain.cores.cores):
            said, within = cores, dict(limits)
            for _ in range(ROUNDS):
                finer, bound = spread(shardings, graph, busy, within, said)
                tried, bounds = self.graph(finer), {**within, "sending": bound, "receiving": bound}
                packed = pack(tried, bounds)
                used, missed = 1 + int(packed.max()), dict[str, float]()
                for found in self.laid_out(finer, tried, bounds, packed):
                    yield found
                    missed = self.missed(found, finer, tried, plain)
                within |= {name: limits[name] / times for name, times in missed.items()}
                if FULL * cores < used <= cores and not missed:
                    break
                said = said if missed else max(1, said * cores // used)
            yield from self.levelled(shardings, limits, cores)

    def missed(
        self, found: CoreMap, shardings: Mapping[str, Sharding], graph: ShardGraph, plain: Fit
    ) -> dict[str, float]:
        """Limit that a map exceeds, not the plain one -> how many times what its shards were taken for its cores hold."""
        limits, loads = core_limits(self.profile), self.counter.of(found.core_of)
        block = np.empty(graph.shards, np.int64)
        for name, shard in numbered(shardings).items():
            block[shard] = found.core_of[name]
        times = dict[str, float]()
        exceeded = loads.over(limits).keys() - (plain.loads.over(limits).keys() if plain.loads else ())
        for name in exceeded & graph.resources.keys():  # what cores send depends on all of the map
            held, most = graph.resources[name].held(block, found.cores), limits[name]
            real: Array = getattr(loads, name)
            times[name] = float((real / np.maximum(1, held))[real > most].max())
        return times

    def levelled(self, shardings: Mapping[str, Sharding], limits: Mapping[str, float], cores: int) -> Iterator[CoreMap]:
        """Maps on which every step is spread over so many cores."""
        for times in LEVELS if self.moments else ():
            shards = numbered({name: sharding.finer(times * cores) for name, sharding in shardings.items()})
            if 1 + max(int(shard.max()) for shard in shards.values()) > MOST_SHARDS:
                return
            graph = shard_graph_of(self.counter, shards, self.rates, self.times)
            packed = level(graph, limits, cores, times_of(self.counter.connections, shards, self.moments, self.times))
            if packed is not None:
                core, places = put_down(graph, np.unique(packed, return_inverse=True)[1], self.board, self.seed)
                yield CoreMap({name: core[shard] for name, shard in shards.items()}, places)

    def packed(
        self, shardings: Mapping[str, Sharding], graph: ShardGraph, limits: Mapping[str, float]
    ) -> Iterator[CoreMap]:
        """The map of some shards on as few cores as packing finds, if it takes no more chips than the plain one."""
        return self.laid_out(shardings, graph, limits, pack(graph, limits))

    def laid_out(
        self, shardings: Mapping[str, Sharding], graph: ShardGraph, limits: Mapping[str, float], packed: Array
    ) -> Iterator[CoreMap]:
        """The map of packed shards, if it takes no more chips than the plain one."""
        if packed.max() < len(self.board.places):
            core, places = lay_out(graph, packed, limits, self.board, self.seed)
            yield CoreMap({name: core[shard] for name, shard in numbered(shardings).items()}, places)

    def graph(self, shardings: Mapping[str, Sharding]) -> ShardGraph:
        """The shards, with what they spend and send."""
        return shard_graph_of(self.counter, numbered(shardings), self.rates, self.times)

    @cached_property
    def events(self) -> Mapping[str, Array]:
        """Population -> synaptic events at every neuron per step, on any map."""
        return events_of(self.counter.connections, self.rates)

    @property
    def times(self) -> Mapping[str, float]:
        """What events take; where the profile does not say so, updates and synaptic events the same, and nothing else."""
        stated = readings(self.profile)[0]
        return stated if any(stated.values()) else {**stated, "neuron_update": 1.0, "synaptic_event": 1.0}

    def busy(self, shardings: Mapping[str, Sharding], graph: ShardGraph) -> dict[str, Busy]:
        """Population -> what takes its time."""
        times, events = self.times, self.events
        received = graph.resources["receiving"].alone(graph.shards)
        found = dict[str, Busy]()
        for name, shard in numbered(shardings).items():
            own = np.unique(shard)
            synapses = events[name] * times["synaptic_event"]
            messages = received[own] - np.bincount(shard - own[0], synapses)
            sending = times["neuron_update"] + times["spike"] * self.rates[name]
            found[name] = Busy(sending, synapses, float(messages.max()))
        return found

    def cost(self, cores: CoreMap) -> MapCost:
        """What a map costs."""
        connections, events = self.counter.connections, self.events
        busy = sum(np.bincount(on, 1 + events[name], cores.cores) for name, on in cores.core_of.items())
        nets = nets_of(connections, cores.core_of, self.rates)
        found = traffic(nets, cores.places, replace(self.board, hop_x=1, hop_y=1))
        step = mean_step(connections, cores, self.profile, *self.timed) if self.objective == "time" else None
        return MapCost(cores.cores, found.visits, found.hops, float(np.max(busy)), step)
