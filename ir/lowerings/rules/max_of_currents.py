"""
The largest of several currents, by neurons that emit payloads: M <- x_k + relu(M - x_k), tap after tap of a window.

    relay       one per element: it emits its current as a payload                       x
    comparison  one per tap but one: it emits the difference, where that is above 0      r = relu(M - x_k)
    maximum     no neuron: whoever reads it takes the payloads that add up to it         M = x_k + r

A window of w taps has w - 1 comparisons and 3 w - 2 synapses as a chain, those of the reader among them; a tree has more synapses
and less latency. Differences of integers are exact, the float ones of a network in its source's arithmetic are not: there one
neuron takes the largest current as it is. A constant that all taps of a window share moves behind the maximum.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from ir.graph import Array, Node, Provenance
from ir.lowerings.cost import Cost
from ir.lowerings.lowering import Lowering
from ir.lowerings.maxima import Comparison, Order, Term, as_chain, as_tree, maxima_plan
from ir.lowerings.values import Current, LoweredValue, Wire, narrowest
from ir.ops import Gather, Graded, MaxPool, MaxRelay, Reshape, Synapse
from ir.ops.membrane import ANALOG_BITS
from ir.ops.shape import SILENT


def lower_max_by_chain(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """Every tap is compared with the largest of those before it."""
    return _lowered(lowering, node, provenance, as_chain)


def lower_max_by_tree(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """Taps are compared in pairs, and the larger ones again."""
    return _lowered(lowering, node, provenance, as_tree)


def lower_max_at_once(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """Neurons of the source's arithmetic that take the largest current."""
    op, current = MaxRelay(**_pool(node).attributes()), _operand(lowering, node, provenance)
    relay = lowering.neuron(op, current, f"{node.name}_largest", provenance)
    return Current(node.type.shape, (Wire(relay, Synapse(), f"{node.name}_out", provenance),))


def cost_of_max_by_chain(lowering: Lowering, node: Node) -> Cost:
    """Relays, comparisons, and the synapses of both and of one reader."""
    return _cost(lowering, node, as_chain)


def cost_of_max_by_tree(lowering: Lowering, node: Node) -> Cost:
    """As of the chain, but for more synapses."""
    return _cost(lowering, node, as_tree)


def _pool(node: Node) -> MaxPool:
    assert isinstance(node.op, MaxPool)
    return node.op


def _operand(lowering: Lowering, node: Node, provenance: Provenance) -> Current:
    (value,) = lowering.operands(node)
    return lowering.current(value, f"{node.name}_in", provenance)


def _cost(lowering: Lowering, node: Node, order: Order) -> Cost:
    channels, *sizes = lowering.graph.args(node)[0].shape
    plan = maxima_plan(_pool(node), tuple(sizes), order)
    synapses = channels * plan.synapses
    return Cost(channels * (prod(sizes) + plan.relays), synapses, events=synapses)


def _lowered(lowering: Lowering, node: Node, provenance: Provenance, order: Order) -> Current:
    current = _operand(lowering, node, provenance)
    channels, *sizes = current.shape
    ahead, behind = _constants(current)
    (relay,) = lowering.relay(replace(current, bias=ahead), f"{node.name}_relay", provenance).parts
    flat = lowering.reshaped(relay, (channels, prod(sizes)), f"{node.name}_relay", provenance)
    plan = maxima_plan(_pool(node), tuple(sizes), order)
    built = _Comparisons(lowering, node.name, provenance, [flat])
    for comparison in plan.comparisons:
        built.add(comparison)
    wires = tuple(built.wire(term, f"{node.name}_out", 1.0).routed(Reshape(node.type.shape)) for term in plan.maximum)
    return Current(node.type.shape, wires, behind)


def _constants(current: Current) -> tuple[Array | None, Array | None]:
    """The current's constant as one that the relays take, and one that may wait until behind the maximum."""
    if current.bias is None:
        return None, None
    full = narrowest(current.bias.reshape((1,) * (len(current.shape) - current.bias.ndim) + current.bias.shape))
    return (None, full) if set(full.shape[1:]) == {1} else (full, None)


@dataclass
class _Comparisons:
    """The populations of a plan, built one after another; each has the axes channel and place."""

    lowering: Lowering
    name: str
    provenance: Provenance
    populations: list[str]
    """Of the inputs, then of every comparison."""
    gathered: dict[tuple[str, tuple[int, ...]], str] = field(default_factory=dict[tuple[str, tuple[int, ...]], str])
    """Population and elements -> the wires that lead from them."""

    def add(self, comparison: Comparison) -> None:
        """Build the relays of one comparison."""
        name = f"{self.name}_{len(self.populations)}"
        larger = [self.wire(term, f"{name}_larger", 1.0) for term in comparison.larger]
        smaller = [self.wire(term, f"{name}_smaller", -1.0) for term in comparison.smaller]
        channels = self.lowering.builder.type(self.populations[0]).shape[0]
        current = Current((channels, len(comparison.larger[0].elements)), (*larger, *smaller))
        op = Graded(ANALOG_BITS, form="rectified")
        self.populations.append(self.lowering.neuron(op, current, name, self.provenance))

    def wire(self, term: Term, name: str, weight: float) -> Wire:
        """One synapse for every place at which the term adds something."""
        places = term.places
        source = self._from(self.populations[term.source], tuple(map(int, term.elements[places])), name)
        wire = Wire(source, Synapse(weight), name, self.provenance)
        if len(places) == len(term.elements):
            return wire
        index = np.full(len(term.elements), SILENT)
        index[places] = np.arange(len(places))
        return wire.routed(Gather(1, tuple(map(int, index))))

    def _from(self, population: str, elements: tuple[int, ...], name: str) -> str:
        """Elements of a population, those of one choice once."""
        if elements == tuple(range(self.lowering.builder.type(population).shape[1])):
            return population
        key = (population, elements)
        if key not in self.gathered:
            wires = self.lowering.add(Gather(1, elements), population, name=f"{name}_tap", provenance=self.provenance)
            self.gathered[key] = wires
        return self.gathered[key]
