"""
Hadamard products of spikes (comb masks, spiking gates, SEW-ResNet's AND and IAND): an AND per element.

    a * b              =  [a + b >= 2]         1 neuron, 2 synapses per element, a and b in {0, 1}
    a * (1 - b)        =  [a - b >= 1]         the same: a negated factor has a synapse of weight -1, and 1 less to reach
    (1 - a) * (1 - b)  =  [1 - a - b >= 1]     the same with a constant, since a threshold of 0 would fire without a network

A factor that is a sum of r populations gives r ANDs, whose sum is the product.
"""

from __future__ import annotations

from itertools import product

from ir.graph import Node, Provenance
from ir.lowerings.forms import Complement, Form, Spikes
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.pairing import Literal, conjunction


def lower_mask(lowering: Lowering, node: Node, provenance: Provenance) -> Form:
    """AND of every pair of populations, broadcast to the shape of the product."""
    factors = [_literals(lowering, node, form) for form in lowering.operands(node)]
    shape, name = node.type.shape, node.name
    pairs = [
        [literal._replace(part=lowering.spread(literal.part, shape, name, provenance)) for literal in pair]
        for pair in product(*factors)
    ]
    return Spikes(tuple(conjunction(lowering, a, b, name, provenance) for a, b in pairs))


def _literals(lowering: Lowering, node: Node, form: Form) -> list[Literal]:
    if isinstance(form, Complement):
        return [Literal(form.part, negated=True)]
    return [Literal(part) for part in lowering.spikes(node, form, "a product of spikes").parts]
