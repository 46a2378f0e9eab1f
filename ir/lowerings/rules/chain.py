"""
A weighted sum of a weighted sum: one matrix, or graded neurons in between that pass the first sum on.

    merge   V (W x + b) = (V W) x + V b       no neurons; in real numbers the merged weights are rounded once more
    relay   a graded neuron per element of W x + b emits it as a payload, which V reads       exactly the source's numbers

The cheaper is taken where the chip has payloads; a matrix of more than MAX_WEIGHTS is never built.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ir.graph import Node, Provenance
from ir.lowerings.cost import Cost
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.compose import response, through
from ir.lowerings.rules.projection import bias_of, projected
from ir.lowerings.values import Current, LoweredValue, Wire, summed_bias
from ir.ops import Linear, Reshape
from ir.ops.base import Op

MAX_WEIGHTS = 1 << 25
"""Weights of the largest merged matrix."""


def lower_by_merging(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """One matrix per wire, over the whole of its population."""
    current = _first_sum(lowering, node)
    wires = tuple(merged(lowering, wire, node) for wire in current.wires)
    bias = summed_bias([through(lowering, node, current), bias_of(lowering, node)])
    return Current(node.type.shape, wires, bias)


def lower_by_relay(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """Graded neurons take the first sum, the projection reads what they emit."""
    current = _first_sum(lowering, node)
    return projected(lowering, node, lowering.relay(current, f"{node.name}_relay", provenance))


def obstacle_to_merging(lowering: Lowering, node: Node) -> str | None:
    """Why there can be no merged matrix, None where there can."""
    if _merged_synapses(lowering, node) <= MAX_WEIGHTS:
        return None
    return f"is a weighted sum of a weighted sum, and as one matrix would hold more than {MAX_WEIGHTS:,} weights"


def cost_of_merging(lowering: Lowering, node: Node) -> Cost:
    """One synapse from every element of the first map's populations to every element of the second map's result."""
    synapses = _merged_synapses(lowering, node)
    return Cost(neurons=0, synapses=synapses, events=synapses)


def cost_of_a_relay(lowering: Lowering, node: Node) -> Cost:
    """The neurons in between, and the synapses of both maps."""
    current = _first_sum(lowering, node)
    shapes = {role: array.shape for role, array in lowering.graph.arrays(node).items()}
    synapses = node.op.synapses(lowering.graph.args(node), shapes)
    synapses += sum(_synapses(lowering, wire) for wire in current.wires)
    return Cost(neurons=prod(current.shape), synapses=synapses, events=synapses)


def _first_sum(lowering: Lowering, node: Node) -> Current:
    (current,) = lowering.operands(node)
    assert isinstance(current, Current), "a projection of populations is no chain"
    return current


def _synapses(lowering: Lowering, wire: Wire) -> int:
    shapes = {} if wire.weight is None else {"weight": lowering.builder.array(wire.weight).shape}
    return wire.op.synapses((lowering.builder.type(wire.source),), shapes)


def _merged_synapses(lowering: Lowering, node: Node) -> int:
    wires = _first_sum(lowering, node).wires
    return sum(lowering.builder.type(wire.source).size for wire in wires) * node.type.size


def merged(lowering: Lowering, wire: Wire, node: Node) -> Wire:
    """The wire and the projection behind it as a matrix on the flat population."""
    shape = lowering.builder.type(wire.source).shape
    chain: list[tuple[Op, str | None]] = [(wire.op, wire.weight), *((route, None) for route in wire.routes)]
    rows = response(lowering, shape, [*chain, (node.op, node.param("weight"))])
    source = lowering.reshaped(wire.source, (rows.shape[0],), node.name, wire.provenance)
    name = lowering.builder.param(
        f"{node.name}.behind_{wire.name}", np.ascontiguousarray(rows.T.astype(lowering.graph.dtype))
    )
    routes = () if node.type.shape == (rows.shape[1],) else (Reshape(node.type.shape),)
    return Wire(source, Linear(), node.name, node.provenance, name, wire.factor, routes)
