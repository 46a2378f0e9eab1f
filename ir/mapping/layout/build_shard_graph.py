"""Finds out what the shards of a network spend and send, from its synapses and what was measured of its spikes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ir.graph import Array
from ir.mapping.connections import Connections
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.loads import LoadCounter
from ir.mapping.nets import every, nets_of
from ir.mapping.receptive_fields import UNREAD, receptive_fields
from ir.mapping.relation import Relation
from ir.ops.base import Op

SUMMED = ("neurons", "synapse_memory", "delay_slots")
"""Resources that are shared by no two shards; of kernels that could be, each shard is taken to have its own."""


def shard_graph_of(
    counter: LoadCounter, shards: Mapping[str, Array], rates: Mapping[str, Array], times: Mapping[str, float]
) -> ShardGraph:
    """
    The shards of a network, with all that limits a core except for what it sends.

    Args:
        shards: population -> int (neurons,), the shard of every neuron, numbered through the network.
        rates: population or input -> float (neurons,), spikes of every neuron per step: means over samples and steps.
        times: event, as in the times of a profile -> what it takes.
    """
    loads, events = counter.of(shards), events_of(counter.connections, rates)
    shard, nets = np.concatenate([*shards.values()]), nets_of(counter.connections, shards, rates)
    each = Relation.one_each(len(loads.neurons))
    axons = Cover(nets.neurons, nets.readers)
    few = loads.axons_in.sum() < axons.sizes @ axons.sets.lengths  # convolutions share axons on this chip
    resources = {name: Cover(getattr(loads, name), each) for name in SUMMED}
    resources["axons_in"] = Cover(loads.axons_in, each) if few else axons
    resources["neuron_groups"] = _groups(counter, shards)
    arriving = np.bincount(shard, np.concatenate([events[name] for name in shards]), each.count)
    fired = np.bincount(shard, np.concatenate([rates[name] for name in shards]), each.count)
    resources["sending"] = Cover(loads.neurons * times["neuron_update"] + fired * times["spike"], each)
    taken = np.concatenate([arriving * times["synaptic_event"], nets.spikes * times["axon_in"]])
    resources["receiving"] = Cover(taken, Relation.stacked([each, nets.readers]))
    return ShardGraph(loads.neurons + arriving, resources, nets)


def events_of(connections: Connections, rates: Mapping[str, Array]) -> dict[str, Array]:
    """Population -> float (neurons,), synaptic events at every neuron per step; at rates of 1, its synapses."""
    rate = np.zeros(connections.sources)
    for name, start in connections.first.items():
        rate[start : start + len(rates[name])] = rates[name]
    events = {name: np.zeros(len(rates[name])) for name in connections.into}
    for name, each in every(connections):
        fields = receptive_fields(each)
        read, reads = fields.operand != UNREAD, each.results >= 0
        spikes = np.bincount(fields.operand[read], rate[each.sources[read]], fields.readers.count)
        arriving = np.bincount(fields.readers.members, spikes[fields.readers.sets], int(fields.result.max()) + 1)
        events[name][reads] += arriving[fields.result[each.results[reads]]]
    return events


def _groups(counter: LoadCounter, shards: Mapping[str, Array]) -> Cover:
    """Sets of constants, each of one size, by the shards of all populations that have them."""
    nodes, having = counter.connections.graph.nodes, dict[Op, list[Array]]()
    for name, own in shards.items():
        having.setdefault(nodes[name].op, []).append(np.unique(own))
    members = [np.concatenate(own) for own in having.values()]
    sets = np.repeat(np.arange(len(members)), [len(own) for own in members])
    return Cover(np.ones(len(members)), Relation.of(sets, np.concatenate(members), len(members)))
