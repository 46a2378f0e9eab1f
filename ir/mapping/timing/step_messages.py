"""
The messages of a step, in the order in which cores send them.

A core updates its neurons one after another, in the order of the graph; one that fires sends a message to every core that reads
it, in their order, and only then is the next one updated. Inputs are all there when the step begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.mapping.core_map import CoreMap
from ir.mapping.nets import OUTSIDE
from ir.mapping.relation import Relation
from ir.mapping.timing.links import routers_of
from ir.mapping.timing.routes import Routes, lengths_of, routes_of
from ir.mapping.timing.ways import Ways
from ir.profile import Mesh

NOBODY, NO_ROUTE = -1, -1
"""The target of what a sender does after its last message; what inputs take of which nobody knows where they enter the mesh."""
MOST_BUFFERS = 4_000_000
"""Of all routes of a map, one after another: more of them take seconds and gigabytes."""


@dataclass(frozen=True, eq=False)
class StepMessages:
    """Messages by sender: the cores, and after them the inputs, whose messages take no time to send."""

    starts: Array
    """int64 (senders + 1,): those of sender k are `starts[k] : starts[k + 1]`, and the last of them is for NOBODY."""
    neuron_update: Array
    """(messages,) as all that follows: the neurons that the sender has updated since its message before."""
    spike: Array
    """How many of these have fired."""
    axon_out: Array
    """Whether it leaves a core."""
    target: Array
    """The core that reads it."""
    synaptic_event: Array
    """The synapses that it meets there."""
    route: Array
    """Its number among the routes of the map."""


class MessageLister:
    """Lists the messages of steps on one map."""

    def __init__(self, ways: Ways, cores: CoreMap, mesh: Mesh) -> None:
        self._inputs, messages = cores.cores, ways.messages
        self._pairs = Relation(messages.starts, np.arange(len(messages.members)))
        self._target, self._synapses = messages.members, ways.synapses
        self.routes, self._route = _routed(ways, cores, mesh)
        senders = [cores.core_of.get(name, np.full(len(way), self._inputs)) for name, way in ways.of.items()]
        order = np.argsort(np.concatenate(senders), kind="stable")
        self._rank = np.empty(len(order), np.int64)
        self._rank[order] = np.arange(len(order))
        self._first = dict(zip(ways.of, np.cumsum([0, *map(len, senders)]).tolist(), strict=False))
        self._sender, self._way = np.concatenate(senders)[order], np.concatenate([*ways.of.values()])[order]
        self._begin = np.searchsorted(self._sender, np.arange(self._inputs + 2))

    def of(self, fired: Mapping[str, Array]) -> StepMessages:
        """
        The messages of a step.

        Args:
            fired: population or input -> int (spikes,), its neurons that fire.
        """
        spikes = [self._rank[self._first[name] + neurons] for name, neurons in fired.items()]
        rank = np.sort(np.concatenate([np.zeros(0, np.int64), *spikes]))
        begin, sender = np.searchsorted(rank, self._begin), self._sender[rank]
        sent = self._pairs.take(self._way[rank])
        ends = sent.starts[begin[1:]]  # where the last messages are put in
        starts = np.concatenate([[0], ends + np.arange(1, len(begin))])
        done = np.stack([1 + rank - self._begin[sender], 1 + np.arange(len(rank)) - begin[sender]])
        whole = np.stack([np.diff(self._begin), np.diff(begin)])
        done = np.insert(done[:, sent.sets], ends, whole, axis=1)
        since = np.diff(done, axis=1, prepend=0)
        since[:, starts[:-1]] = done[:, starts[:-1]]
        target = np.insert(self._target[sent.members], ends, NOBODY)
        of_cores = np.arange(len(target)) < starts[-2]
        neurons, spiked = since * of_cores
        return StepMessages(
            starts,
            neurons,
            spiked,
            of_cores & (target != NOBODY),
            target,
            np.insert(self._synapses[sent.members], ends, 0),
            np.insert(self._route[sent.members], ends, NO_ROUTE),
        )


def can_be_followed(ways: Ways, cores: CoreMap, mesh: Mesh) -> bool:
    """Whether the routes on a map are few and short enough to be listed."""
    sender, target, _ = _ends(ways, cores)
    routers = _routers(cores, mesh)
    return int(lengths_of(routers[sender], routers[target]).sum()) <= MOST_BUFFERS


def _routed(ways: Ways, cores: CoreMap, mesh: Mesh) -> tuple[Routes, Array]:
    """The routes on a map, and (messages of ways,) the number of the one that each takes."""
    (sender, target, route), routers = _ends(ways, cores), _routers(cores, mesh)
    outside = ways.source[ways.messages.sets] == OUTSIDE
    routes = routes_of(sender, routers[sender], routers[target])
    return routes, np.where(outside & (mesh.input_column is None), NO_ROUTE, route)


def _ends(ways: Ways, cores: CoreMap) -> tuple[Array, Array, Array]:
    """Sender and target of every route, and (messages of ways,) the number of the one that each takes."""
    source = ways.source[ways.messages.sets]
    pairs = np.where(source == OUTSIDE, cores.cores, source) * cores.cores + ways.messages.members
    pairs, route = np.unique(pairs, return_inverse=True)
    return *np.divmod(pairs, cores.cores), route


def _routers(cores: CoreMap, mesh: Mesh) -> Array:
    """(cores + 1, 2), x and y of the routers of all cores, and of that where inputs enter."""
    entry = [0, mesh.input_column or 0, mesh.input_row or 0]
    return routers_of(np.concatenate([cores.places, [entry]]), mesh)
