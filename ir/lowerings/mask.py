"""
Hadamard products of spikes (comb masks, spiking gates): an AND per element.

    a * b, a and b in {0, 1}  =  [a + b >= 2]        1 neuron, 2 synapses per element

A factor that is a sum of r populations gives r ANDs, whose sum is the product.
"""

from __future__ import annotations

from itertools import product

from ir.graph import Node, Where
from ir.lowerings.forms import Form, Spikes
from ir.lowerings.lowering import Lowering
from ir.lowerings.pairing import both


def lower_mask(lowering: Lowering, node: Node, where: Where) -> Form:
    """AND of every pair of populations, broadcast to the shape of the product."""
    factors = [lowering.spikes(node, form, "a product of spikes").parts for form in lowering.operands(node)]
    shape, name = node.type.shape, node.name
    pairs = [[lowering.spread(part, shape, name, where) for part in pair] for pair in product(*factors)]
    return Spikes(tuple(both(lowering, a, b, name, where) for a, b in pairs))
