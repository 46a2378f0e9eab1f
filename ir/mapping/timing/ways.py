"""
The ways of spikes on a map: from a core to the cores that read them, with the synapses that each spike meets there.

Neurons whose spikes do the same are one way, so that a step of any activity is counted way by way, not synapse by synapse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.mapping.connections import Connection, Connections
from ir.mapping.nets import OUTSIDE, every
from ir.mapping.receptive_fields import UNREAD, ReceptiveFields, receptive_fields
from ir.mapping.relation import Relation


@dataclass(frozen=True, eq=False)
class Ways:
    """Ways by number. A message is one spike on its way to one core, its own among them where it is read there."""

    of: Mapping[str, Array]
    """Population or input -> int64 (neurons,), the way of the spikes of every neuron; no way is of two populations."""
    source: Array
    """int64 (ways,): the core that the neurons are on, or OUTSIDE."""
    messages: Relation
    """Way -> the cores that read it."""
    synapses: Array
    """int64 (messages,): the synapses that a spike meets on that core; a zero weight is one, padding is none."""

    @property
    def count(self) -> int:
        """How many ways there are."""
        return len(self.source)


def ways_of(connections: Connections, core_of: Mapping[str, Array]) -> Ways:
    """The ways of all neurons and inputs; `core_of` as in a CoreMap."""
    ends = [*connections.first.values(), connections.sources][1:]
    spans = {
        name: slice(first - 1, end - 1) for (name, first), end in zip(connections.first.items(), ends, strict=True)
    }
    population, core = np.zeros(connections.sources - 1, np.int64), np.full(connections.sources - 1, OUTSIDE)
    for number, (name, span) in enumerate(spans.items()):
        population[span] = number
        core[span] = core_of.get(name, OUTSIDE)
    labels = population * (int(core.max()) + 2) + core
    reads, readers = _classes(connections, core_of)
    _, first, alike = np.unique(reads.kinds(labels), return_index=True, return_inverse=True)
    cores, synapses = readers.behind(reads.take(first))
    met = Relation(cores.starts, cores.members * (int(synapses.max(initial=0)) + 1) + synapses)
    _, chosen, merged = np.unique(met.kinds(labels[first]), return_index=True, return_inverse=True)
    kept = Relation(cores.starts, np.arange(len(synapses))).take(chosen)
    way = merged[alike]
    of = {name: way[span] for name, span in spans.items()}
    messages = Relation(kept.starts, cores.members[kept.members])
    return Ways(of, core[first][chosen], messages, synapses[kept.members])


@dataclass(frozen=True, eq=False)
class _Readers:
    """Class of operand elements -> the cores that read it, and the synapses of an element there."""

    cores: Relation
    synapses: Array

    def behind(self, classes: Relation) -> tuple[Relation, Array]:
        """Set of classes -> the cores that read any of them, and all synapses there."""
        places = Relation(self.cores.starts, np.arange(len(self.synapses))).take(classes.members)
        owner = classes.sets[places.sets]
        return _summed(owner, self.cores.members[places.members], self.synapses[places.members], classes.count)


def _classes(connections: Connections, core_of: Mapping[str, Array]) -> tuple[Relation, _Readers]:
    """Source from 1 on -> the classes that it is in, as often as it is, over all projections; and who reads these."""
    sending, classes, cores, synapses, known = list[Array](), list[Array](), list[Relation](), list[Array](), 0
    for name, each in every(connections):
        fields = receptive_fields(each)
        wired = (each.sources > 0) & (fields.operand != UNREAD)
        sending.append(each.sources[wired])
        classes.append(known + fields.operand[wired])
        known += fields.readers.count
        reached, met = _reached(each, fields, core_of[name])
        cores.append(reached)
        synapses.append(met)
    source, read = np.concatenate(sending), np.concatenate(classes)
    order = np.lexsort((read, source))
    starts = np.searchsorted(source[order], 1 + np.arange(connections.sources))
    return Relation(starts, read[order]), _Readers(Relation.stacked(cores), np.concatenate(synapses))


def _reached(connection: Connection, fields: ReceptiveFields, core: Array) -> tuple[Relation, Array]:
    """Class of operand elements -> the cores of the neurons that read it; and how many these are there."""
    reads = connection.results >= 0
    result, one = fields.result[connection.results[reads]], np.ones(int(reads.sum()), np.int64)
    there, neurons = _summed(result, core[reads], one, 1 + int(fields.result.max()))
    return _Readers(there, neurons).behind(fields.readers)


def _summed(sets: Array, members: Array, amounts: Array, count: int) -> tuple[Relation, Array]:
    """The relation of pairs, each once, and the sums of their amounts."""
    width = int(members.max(initial=0)) + 1
    pairs, place = np.unique(sets.astype(np.int64) * width + members, return_inverse=True)
    starts = np.searchsorted(pairs, np.arange(count + 1) * width)
    return Relation(starts, pairs % width), np.bincount(place, amounts, len(pairs)).astype(np.int64)
