"""
Matrix products of counts: a count of r populations times one of s is the sum of r s products of spikes.

    A = sum of A_i, B = sum of B_j:   A B = sum over i, j of A_i B_j      r s n c m ANDs, 3 synapses each
                                      A B = sum over j of A B_j           A as payloads: n c relays, s n c m gates

for A (n, c) and B (c, m), or with B as payloads and the A_i at the gates, whichever is less. Both are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ir.graph import Node, Provenance
from ir.lowerings.cost import Cost
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.products.matmul import multiplied
from ir.lowerings.rules.scaled_spikes import spike_populations, without_factors
from ir.lowerings.values import Current, LoweredValue, Spikes

MOST_PRODUCTS = 256
"""Products of spikes that stand for one of counts, at most: 16 levels by 16."""


def lower_matmul_by_payloads(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """One factor as the payloads of relays, gated by every population of the other."""
    values, factor = without_factors(lowering, node, [lowering.positive(value) for value in lowering.operands(node)])
    sides = [value for value in values if isinstance(value, Spikes)]
    relayed = _relayed(lowering, node)
    levels = len(sides[relayed].parts)
    current = lowering.current(sides[relayed], f"{node.name}_count", provenance)
    bits = levels.bit_length() + 1
    (payload,) = lowering.relay(current, f"{node.name}_relay", provenance, bits).parts
    pairs = [(payload, part) if relayed == 0 else (part, payload) for part in sides[1 - relayed].parts]
    products = [multiplied(lowering, a, b, node.name, provenance, bits) for a, b in pairs]
    return Current(node.type.shape, tuple(wire for each in products for wire in each.wires)).scaled(factor)


def obstacle_to_products(lowering: Lowering, node: Node) -> str | None:
    """Why a product of counts is no sum of products of spikes, None where it is."""
    numbers = _populations(lowering, node)
    if prod(numbers) <= MOST_PRODUCTS:
        return None
    counts = " and ".join(map(str, numbers))
    return f"multiplies counts of {counts} populations, which takes {prod(numbers)} products of spikes, limit {MOST_PRODUCTS}"


def cost_of_ands(lowering: Lowering, node: Node) -> Cost:
    """An AND per pair of populations and of elements."""
    neurons = prod(_populations(lowering, node)) * _pairs(lowering, node)
    return Cost(neurons=neurons, synapses=3 * neurons, events=3 * neurons)


def cost_of_payloads(lowering: Lowering, node: Node) -> Cost:
    """The cheaper of the two factors on relays, and a gate per population of the other and pair of elements."""
    return _costs_of_payloads(lowering, node)[_relayed(lowering, node)]


def _costs_of_payloads(lowering: Lowering, node: Node) -> list[Cost]:
    costs: list[Cost] = []
    for side, populations in enumerate(_populations(lowering, node)):
        size, gates = (
            lowering.graph.args(node)[side].size,
            _populations(lowering, node)[1 - side] * _pairs(lowering, node),
        )
        synapses = populations * size + 3 * gates
        costs.append(Cost(neurons=size + gates, synapses=synapses, events=synapses))
    return costs


def _relayed(lowering: Lowering, node: Node) -> int:
    """Which of the factors is sent as payloads."""
    left, right = _costs_of_payloads(lowering, node)
    return int(right.synapses < left.synapses)


def _populations(lowering: Lowering, node: Node) -> Sequence[int]:
    """How many populations each of the factors sums."""
    return [spike_populations(value) for value in lowering.operands(node)]


def _pairs(lowering: Lowering, node: Node) -> int:
    """Products of elements in a product of two matrices."""
    left, right = lowering.graph.args(node)
    return left.size * right.shape[-1]
