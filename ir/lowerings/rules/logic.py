"""
Logic of spikes: AND (`mul`: comb masks, spiking gates, SEW-ResNet's AND and IAND), NOT, and OR (`max_pool`).

    a * b              =  [a + b >= 2]         AND: 1 neuron, 2 unit synapses per element, a and b in {0, 1}
    a * (1 - b)        =  [a - b >= 1]         the same: a negated factor has a synapse of weight -1, and 1 less to reach
    (1 - a) * (1 - b)  =  [1 - a - b >= 1]     the same with a constant, since a threshold of 0 would fire without a network
    max over a window  =  [sum over it >= 1]   OR: 1 neuron per window, 1 synapse per tap; padding has none, it is silent
    the same of counts =  sum of k: OR [x >= k]    for k = 1 .. r: 1 neuron per element that reads r populations, and an OR
    1 - x                                      NOT: no neuron, whoever reads it takes -1 synapses and a constant 1

All are memoryless neurons. Only where negated spikes must be a population (in a window, a matrix product, an output) a neuron
is built for them, once. A factor of an AND that is a sum of r populations gives r ANDs, whose sum is the product. The
largest of several currents is no threshold of a sum: `max_of_currents` has it.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from ir.graph import Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.scaled_spikes import scaled, without_factors
from ir.lowerings.values import Complement, Current, LoweredValue, Spikes, Wire
from ir.ops import Conv, Lif, MaxPool, Synapse


class Literal(NamedTuple):
    """A spike population, or what it does not fire."""

    part: str
    negated: bool = False


def lower_mask(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """AND of every pair of populations, broadcast to the shape of the product."""
    values, factor = without_factors(lowering, node, lowering.operands(node))
    factors = [_literals(lowering, node, value) for value in values]
    shape, name = node.type.shape, node.name
    pairs = [
        [literal._replace(part=lowering.spread(literal.part, shape, name, provenance)) for literal in pair]
        for pair in product(*factors)
    ]
    spikes = Spikes(tuple(conjunction(lowering, a, b, name, provenance) for a, b in pairs))
    return scaled(lowering, spikes, factor, node, provenance)


def _literals(lowering: Lowering, node: Node, value: LoweredValue) -> list[Literal]:
    if isinstance(value, Complement):
        return [Literal(value.part, negated=True)]
    return [Literal(part) for part in lowering.spikes(node, value, "a product of spikes").parts]


def conjunction(lowering: Lowering, a: Literal, b: Literal, name: str, provenance: Provenance, micro: int = 0) -> str:
    """AND of two populations of one shape; with `micro` > 0 at every micro-step that their leading axis counts."""
    wires = tuple(
        Wire(literal.part, Synapse(-1.0 if literal.negated else 1.0, micro), f"{name}_{end}", provenance)
        for literal, end in ((a, "a"), (b, "b"))
    )
    negations = a.negated + b.negated
    shape = lowering.builder.type(a.part).shape
    bias = np.ones((1,) * len(shape), np.float32) if negations == 2 else None
    op = Lif(decay=1.0, form="sum", threshold=2.0 if negations == 0 else 1.0, micro=micro)
    return lowering.neuron(op, Current(shape, wires, bias), name, provenance)


def lower_not(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The complement; the complement of a complement is the population itself."""
    (value,) = lowering.operands(node)
    if isinstance(value, Complement):
        return Spikes((value.part,))
    (part,) = lowering.spikes(node, value, "a negation of spikes").parts
    return Complement(part, node.name, provenance)


def lower_max_pool(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """One memoryless neuron per window, unit synapses from every tap; of counts, for every level that they reach."""
    op, ((value,), factor) = node.op, without_factors(lowering, node, lowering.operands(node))
    assert isinstance(op, MaxPool)
    spikes = lowering.spikes(node, value, "a maximum")
    most = sum(lowering.builder.type(part).domain.populations for part in spikes.parts)
    window = lowering.builder.param(f"{node.name}.window", np.ones((node.type.shape[0], 1, *op.kernel), np.float32))
    levels = spikes.parts if most == 1 else [_reaching(lowering, node, spikes, k + 1, provenance) for k in range(most)]
    pooled = Spikes(tuple(_or(lowering, node, op, part, window, provenance) for part in levels))
    return scaled(lowering, pooled, factor, node, provenance)


def _reaching(lowering: Lowering, node: Node, spikes: Spikes, least: int, provenance: Provenance) -> str:
    """Where a count is at least so much: one memoryless neuron per element, which all its populations feed."""
    name = f"{node.name}_{least}"
    current = lowering.current(spikes, f"{name}_count", provenance)
    return lowering.neuron(Lif(decay=1.0, form="sum", threshold=float(least)), current, name, provenance)


def _or(lowering: Lowering, node: Node, op: MaxPool, part: str, window: str, provenance: Provenance) -> str:
    conv = Conv(op.stride, op.padding, op.dilation, node.type.shape[0], extra=op.extra)
    current = Current(node.type.shape, (Wire(part, conv, f"{node.name}_in", provenance, window),))
    return lowering.neuron(Lif(decay=1.0, form="sum"), current, node.name, provenance)
