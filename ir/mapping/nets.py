"""
Who sends spikes where, between parts of populations: shards before they have cores, and the cores of a map.

A net is some neurons of one part whose spikes reach the same parts. Neurons are told apart only as far as their spikes go
different ways, so nets are exact and few: a spike of one reaches every part in it, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.mapping.connections import Connection, Connections
from ir.mapping.receptive_fields import UNREAD, receptive_fields
from ir.mapping.relation import Relation

OUTSIDE = -1
"""The part that the inputs of a chip graph are in."""


@dataclass(frozen=True, eq=False)
class Nets:
    """Nets by number."""

    source: Array
    """int64 (nets,): the part that the neurons are in, or OUTSIDE."""
    neurons: Array
    """int64 (nets,): how many they are."""
    spikes: Array
    """float64 (nets,): how many spikes all of them emit per step."""
    readers: Relation
    """Net -> the parts that its spikes reach, its own among them where they do."""

    def among(self, place: Array) -> Nets:
        """What reaches some parts, by their other names; `place` as in a Relation, and what others send comes from outside."""
        readers = self.readers.among(place)
        some = np.flatnonzero(readers.lengths)
        source = np.where(self.source == OUTSIDE, OUTSIDE, place[self.source])[some]
        return Nets(source, self.neurons[some], self.spikes[some], readers.take(some))


def nets_of(connections: Connections, parts: Mapping[str, Array], rates: Mapping[str, Array]) -> Nets:
    """
    The nets between the parts of a network.

    Args:
        parts: population -> int (neurons,), the part that every neuron is in.
        rates: population or input -> float (neurons,), spikes of every neuron per step.
    """
    part, rate = np.full(connections.sources, OUTSIDE), np.zeros(connections.sources)
    for name, start in connections.first.items():
        rate[start : start + len(rates[name])] = rates[name]
        if name in parts:
            part[start : start + len(parts[name])] = parts[name]
    sending, classes, reached, known = list[Array](), list[Array](), list[Relation](), 0
    for name, each in every(connections):
        fields = receptive_fields(each)
        reads, wired = each.results >= 0, (each.sources > 0) & (fields.operand != UNREAD)
        results = Relation.of(fields.result[each.results[reads]], parts[name][reads], int(fields.result.max()) + 1)
        reached.append(fields.readers.then(results))
        sending.append(each.sources[wired])
        classes.append(known + fields.operand[wired])
        known += fields.readers.count
    reads = Relation.of(np.concatenate(sending), np.concatenate(classes), len(part))
    return _merged(part, rate, reads, Relation.stacked(reached))


def every(connections: Connections) -> Iterator[tuple[str, Connection]]:
    """(population, synapses of one projection in it), one after another."""
    return ((name, each) for name, into in connections.into.items() for each in into)


def _merged(part: Array, rate: Array, reads: Relation, reached: Relation) -> Nets:
    """Neurons that go the same way as one net; at first those whose spikes are read together, then those that reach the same."""
    _, first, kinds = np.unique(reads.kinds(part), return_index=True, return_inverse=True)
    ways = reads.take(first).then(reached)
    _, chosen, merged = np.unique(ways.kinds(part[first]), return_index=True, return_inverse=True)
    net, count = merged[kinds], len(chosen)
    neurons, spikes = np.bincount(net, minlength=count), np.bincount(net, rate, minlength=count)
    some = np.flatnonzero(ways.lengths[chosen] > 0)
    return Nets(part[first[chosen]][some], neurons[some], spikes[some], ways.take(chosen[some]))
