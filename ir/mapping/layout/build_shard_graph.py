"""Finds out what the shards of a network spend and send, from its synapses and what was measured of its spikes."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from ir.graph import Array
from ir.mapping.connections import Connection, Connections
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.nets import every, nets_of
from ir.mapping.receptive_fields import UNREAD, receptive_fields
from ir.mapping.relation import Relation
from ir.ops.linear import Conv


def shard_graph_of(connections: Connections, shards: Mapping[str, Array], rates: Mapping[str, Array]) -> ShardGraph:
    """
    The shards of a network.

    Args:
        shards: population -> int (neurons,), the shard of every neuron, as `cut` makes them.
        rates: population or input -> float (neurons,), spikes of every neuron per step: means over samples and steps.
    """
    shard, events = np.concatenate([*shards.values()]), events_of(connections, rates)
    neurons = np.bincount(shard)
    work = neurons + np.bincount(shard, np.concatenate([events[name] for name in shards]))
    return ShardGraph(neurons, work, _weights(connections, shards), nets_of(connections, shards, rates))


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


def _weights(connections: Connections, shards: Mapping[str, Array]) -> Cover:
    """Stored weights: rows of matrices and kernels once for all their users in a block, single synapses one by one."""
    sizes, users = list[Array](), list[Relation]()
    for name, each in every(connections):
        row, length = _rows(each)
        reads = each.results >= 0
        rows = Relation.of(row[each.results[reads]], shards[name][reads], int(row.max()) + 1)
        _, first, kinds = np.unique(rows.kinds(np.zeros(rows.count)), return_index=True, return_inverse=True)
        used = rows.lengths[first] > 0
        users.append(rows.take(first[used]))
        sizes.append(np.bincount(kinds)[used] * length)
    return Cover(np.concatenate(sizes), Relation.stacked(users))


def _rows(connection: Connection) -> tuple[Array, int]:
    """(the row of weights that every element of a projection's result uses, flat; weights per row)."""
    node = connection.projection
    if connection.weight is not None:
        rows, size = len(connection.weight), node.type.size
        channel = np.arange(size) // (size // rows) if isinstance(node.op, Conv) else np.arange(size) % rows
        return channel, prod(connection.weight.shape[1:])
    synapses = prod(connection.operand) // (getattr(node.op, "micro", 0) or 1)
    return np.arange(node.type.size), synapses // min(synapses, node.type.size)
