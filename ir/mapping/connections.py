"""
Which neuron or input every synapse comes from, and which neuron it leads to, with routing followed element by element.

Nothing is unrolled: a projection is kept as it is, with the source of each element of its operand and the neurons that read each
element of its result. Sources are numbered through the graph: inputs and populations in its order, from 1; 0 is nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ir.analysis.fan_in import EMITTERS
from ir.graph import Array, Graph, Node
from ir.mapping.intervals import Names
from ir.ops.arithmetic import Add
from ir.ops.over_time.delay import Delay, Past


@dataclass(frozen=True, eq=False)
class Connection:
    """The synapses of one projection in one population."""

    projection: Node
    operand: tuple[int, ...]
    """Shape of what the projection reads."""
    weight: Array | None
    """Its weights; None for unit synapses."""
    sources: Array
    """int32, the source of every element of the operand, flat."""
    populations: Array
    """The populations and inputs that these are of, by their place in the graph."""
    results: Array
    """int32 (neurons,), the element of the projection's result that each neuron reads; -1 where it reads none of them."""

    @cached_property
    def names(self) -> Names:
        """The sources as names of the operand's elements."""
        return Names(self.sources)


@dataclass(frozen=True, eq=False)
class Connections:
    """All synapses of a chip graph."""

    graph: Graph
    first: Mapping[str, int]
    """Population or input -> the number of its first neuron as a source."""
    into: Mapping[str, tuple[Connection, ...]]
    """Population -> its synapses, projection by projection."""

    @property
    def sources(self) -> int:
        """How many sources there are, and 0."""
        return 1 + sum(_emitting(node) for node in self.graph.nodes.values() if node.op.family in EMITTERS)


def connections_of(graph: Graph) -> Connections:
    """The synapses of a synaptic or quantized graph."""
    first, results = dict[str, int](), dict[str, int]()
    sources, currents = 1, 1
    for node in graph.nodes.values():
        if node.op.family in EMITTERS:
            first[node.name], sources = sources, sources + _emitting(node)
        elif node.op.family == "projection":
            results[node.name], currents = currents, currents + node.type.size
    emitters, projections = _Wires(graph, first), _Wires(graph, results)
    starts = np.array([*first.values()])
    behind = {name: emitters.behind(graph.nodes[name].inputs[0]) for name in results}
    into = {
        node.name: tuple(
            _connection(graph, name, sources.ravel(), starts, wire, results[name])
            for value in node.inputs
            for wire in projections.behind(value).reshape(-1, graph.nodes[value].type.size)[:, : _emitting(node)]
            for name in _reached(wire, results)
            for sources in behind[name]
        )
        for node in graph.nodes.values()
        if node.op.family == "neuron"
    }
    return Connections(graph, first, into)


def _emitting(node: Node) -> int:
    """The neurons of a population, or the elements of an input."""
    return node.op.neurons(node.type) if node.op.family == "neuron" else node.type.size


def _reached(wire: Array, results: Mapping[str, int]) -> tuple[str, ...]:
    """The projections whose results a wire leads to."""
    names, firsts = tuple(results), np.array([*results.values()])
    places: Array = np.searchsorted(firsts, np.unique(wire[wire > 0]), side="right") - 1
    return tuple(names[int(place)] for place in np.unique(places))


def _connection(graph: Graph, name: str, sources: Array, starts: Array, wire: Array, start: int) -> Connection:
    node = graph.nodes[name]
    populations = np.unique(np.searchsorted(starts, sources[sources > 0], side="right") - 1)
    here = (wire >= start) & (wire < start + node.type.size)
    results = np.where(here, wire - start, -1).astype(np.int32)
    return Connection(node, graph.args(node)[0].shape, graph.arrays(node).get("weight"), sources, populations, results)


@dataclass(frozen=True)
class _Wires:
    """Follows values back to some nodes, whose elements are numbered."""

    graph: Graph
    first: Mapping[str, int]

    def behind(self, value: str, passed: frozenset[str] = frozenset()) -> Array:
        """
        int32 (summands, *shape), the number of what every element of a value is the sum of.

        Micro-steps of a neuron are the same neuron.
        """
        node = self.graph.nodes[value]
        if value in self.first:
            emitting = _emitting(node) if node.op.family in EMITTERS else node.type.size
            numbers = self.first[value] + np.arange(node.type.size, dtype=np.int32) % emitting
            return numbers.reshape(1, *node.type.shape)
        if value in passed:  # a ring of nothing but routing comes from nowhere
            return np.zeros((1, *node.type.shape), np.int32)
        operands = [self.behind(name, passed | {value}) for name in node.reads]
        if isinstance(node.op, (Delay, Past)):
            return operands[0]
        if isinstance(node.op, Add):
            return np.concatenate([np.broadcast_to(each, (len(each), *node.type.shape)) for each in operands])
        return np.asarray(node.op.run(_equally_many(operands), self.graph.arrays(node), 1))[0]


def _equally_many(operands: Sequence[Array]) -> tuple[Array, ...]:
    """The operands as values of one step, summands for samples."""
    most = max(len(operand) for operand in operands)
    wide = (np.concatenate([each, np.zeros((most - len(each), *each.shape[1:]), np.int32)]) for each in operands)
    return tuple(each[None] for each in wide)
