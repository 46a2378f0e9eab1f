"""
What every core of a map has to hold: neurons, synapses in the chip's encoding, axons, groups of constants, waiting sums.

A source that several projections bring to a core has one axon there, and a list for each of them; where a chip shares the axons
of convolutions, these have one per population that they read. A list is stored as it takes less memory: all its synapses in
order, or those with a weight, each with the index of its target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from ir.analysis.limits import weight_bits
from ir.analysis.schedule import schedule
from ir.graph import Array, Graph
from ir.mapping.connections import Connection, Connections, connections_of
from ir.mapping.intervals import Intervals
from ir.mapping.reach import Reach, reach
from ir.ops.linear import Conv
from ir.profile import Profile, SynapseMemory


@dataclass(frozen=True, eq=False)
class Loads:
    """The use of every resource; int64 arrays (cores,), named like the limits of a profile."""

    neurons: Array
    synapse_memory: Array
    """In bytes."""
    axons_in: Array
    """Sources that have synapses on the core."""
    axons_out: Array
    """Pairs of a neuron on the core and a core where it has synapses; 0 where the profile limits neither these nor the next."""
    cores_per_neuron: Array
    """The most cores where a neuron of the core has synapses; 0 as before."""
    neuron_groups: Array
    delay_slots: Array

    def over(self, limits: Mapping[str, int]) -> dict[str, Array]:
        """Resource -> on which cores it is exceeded, where any is."""
        beyond = {name: getattr(self, name) > limit for name, limit in limits.items()}
        return {name: cores for name, cores in beyond.items() if cores.any()}


def core_limits(profile: Profile) -> dict[str, int]:
    """Resource of a core -> how much of it there is; what has no limit is left out."""
    limits = profile.limits
    stated = {
        "neurons": limits.neurons_per_core,
        "synapse_memory": limits.synapse_memory_per_core,
        "axons_in": limits.axons_in_per_core,
        "axons_out": limits.axons_out_per_core,
        "cores_per_neuron": limits.cores_per_neuron,
        "neuron_groups": limits.neuron_groups_per_core,
        "delay_slots": limits.delay_slots_per_core,
    }
    return {name: limit for name, limit in stated.items() if limit is not None}


class LoadCounter:
    """Counts the loads of maps of one network on one kind of chip."""

    def __init__(self, graph: Graph, profile: Profile) -> None:
        self.connections: Connections = connections_of(graph)
        self._memory = profile.synapse_memory
        limits = profile.limits
        self._counts_out = limits.axons_out_per_core is not None or limits.cores_per_neuron is not None
        self._delays = _longest_delays(graph)
        programmable = profile.features.programmable_neurons
        own_bits = self._memory.narrow_weights and graph.is_integer
        self._bits = {
            node.name: weight_bits(graph, node, programmable) if own_bits else profile.arithmetic.weight_bits
            for node in graph.nodes.values()
            if node.op.family == "projection"
        }
        self._populations = {node.name: node for node in graph.nodes.values() if node.op.family == "neuron"}

    def of(self, core_of: Mapping[str, Array]) -> Loads:
        """The loads of all cores; `core_of` as in a CoreMap, of all populations or of some."""
        cores = 1 + max(int(on.max(initial=-1)) for on in core_of.values())
        loads = Loads(*(np.zeros(cores, np.int64) for _ in fields(Loads)))
        home = np.full(self.connections.sources, -1, np.int64)
        axons, sent = list[Intervals](), list[Intervals]()
        groups: dict[object, set[int]] = {}
        for name, on in core_of.items():
            node, start = self._populations[name], self.connections.first[name]
            home[start : start + len(on)] = on
            count = np.bincount(on, minlength=cores)
            loads.neurons[:] += count
            loads.delay_slots[:] += count * self.slots(name)
            groups.setdefault(node.op, set()).update(np.unique(on).tolist())
            arriving = self._arriving(name, on, loads.synapse_memory)
            axons.append(arriving[0])
            sent.append(arriving[1])
        for used in groups.values():
            loads.neuron_groups[sorted(used)] += 1
        arriving = Intervals.joined(axons).each_once()
        loads.axons_in[:] = np.bincount(arriving.cores, arriving.lengths, cores)
        reached = Intervals.joined(sent).each_once().count_by_number(len(home))
        sending = (home >= 0) & (reached > 0)
        loads.axons_out[:] = np.bincount(home[sending], reached[sending], cores)
        np.maximum.at(loads.cores_per_neuron, home[sending], reached[sending])
        return loads

    def block(self, population: str, neurons: Array) -> dict[str, int]:
        """What some neurons of a population take alone on a core, but for what depends on the rest of the map."""
        memory = np.zeros(1, np.int64)
        axons, _ = self._arriving(population, np.zeros(len(neurons), np.int64), memory, neurons)
        slots = len(neurons) * self.slots(population)
        found = {"neurons": len(neurons), "synapse_memory": int(memory[0]), "axons_in": int(axons.lengths.sum())}
        return {**found, "neuron_groups": 1, "delay_slots": slots}

    def alone(self, population: str) -> dict[str, int]:
        """What a single neuron of a population takes: the one in the middle, where no padding saves axons."""
        kind = self._populations[population].type
        shape = kind.shape if self._populations[population].op.neurons(kind) == kind.size else kind.shape[1:]
        middle = np.ravel_multi_index([length // 2 for length in shape], shape) if shape else 0
        return self.block(population, np.array([middle]))

    def slots(self, population: str) -> int:
        """The sums that wait in the dendrite of each neuron of a population."""
        return 1 + max(
            (self._delays.get(each.projection.name, 0) for each in self.connections.into[population]), default=0
        )

    def _arriving(
        self, population: str, cores: Array, memory: Array, neurons: Array | None = None
    ) -> tuple[Intervals, Intervals]:
        """
        The axons into a population, and the sources that send over them where that counts.

        What its lists take is added to `memory`. An axon is a source, or a population beyond all sources.
        """
        axons, sent = list[Intervals](), list[Intervals]()
        for connection in self.connections.into[population]:
            results = connection.results if neurons is None else connection.results[neurons]
            reads = results >= 0
            on = cores[reads].astype(np.int64)
            shares = self._memory.shared_axons and isinstance(connection.projection.op, Conv)
            asked = self._counts_out or not shares
            arriving = reach(connection, results[reads], on, self._memory.shared_kernels, asked)
            memory += np.bincount(arriving.list_cores, self._bytes(connection, arriving), len(memory)).astype(np.int64)
            sources = arriving.elements.renamed(connection.names)
            if shares:
                used, together = np.unique(on), self.connections.sources + connection.populations
                axons.append(Intervals.of_numbers(np.repeat(used, len(together)), np.tile(together, len(used))))
            else:
                axons.append(sources)
            sent.append(sources)
        into = Intervals.joined(axons).each_once()
        if not self._counts_out:
            return into, Intervals.joined([])
        return into, Intervals.joined(sent).each_once() if self._memory.shared_axons else into

    def _bytes(self, connection: Connection, arriving: Reach) -> Array:
        """What the lists of a projection take, entry by entry."""
        name, memory = connection.projection.name, self._memory
        bits = self._bits[name] + (memory.delay_bits if self._delays.get(name) else 0)
        dense = arriving.lists * list_bytes(arriving.synapses, bits, memory)
        if memory.index_bits is None or arriving.features is None:
            return dense
        assert connection.weight is not None
        weights = arriving.features.astype(np.float64) @ (connection.weight != 0)
        sparse = list_bytes(weights.astype(np.int64), bits + memory.index_bits, memory).sum(axis=1)
        return np.minimum(dense, sparse)


def list_bytes(synapses: Array, bits: int, memory: SynapseMemory) -> Array:
    """What lists of so many synapses of `bits` bits take; an empty one takes nothing."""
    longest = memory.list_synapses or int(synapses.max(initial=1))
    full, rest = np.divmod(synapses, longest)
    return full * _list_bytes(np.asarray(longest), bits, memory) + np.where(rest, _list_bytes(rest, bits, memory), 0)


def _list_bytes(synapses: Array, bits: int, memory: SynapseMemory) -> Array:
    return memory.word_bytes * -(-(memory.header_bits + bits * synapses) // (8 * memory.word_bytes))


def _longest_delays(graph: Graph) -> dict[str, int]:
    """Projection -> the steps that its synapses wait at most."""
    longest: dict[str, int] = {}
    for (_, projection), delay in schedule(graph).synaptic.items():
        longest[projection] = max(delay, longest.get(projection, 0))
    return longest
