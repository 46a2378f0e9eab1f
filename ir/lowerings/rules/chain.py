"""
A weighted sum of a weighted sum: one matrix, or graded neurons in between that pass the first sum on.

    merge   V (W x + b) = (V W) x + V b       no neurons; in real numbers the merged weights are rounded once more
    relay   a graded neuron per element of W x + b emits it as a payload, which V reads       exactly the source's numbers

The cheaper in synapses is taken where the chip has payloads; a matrix of more than MAX_WEIGHTS is never made.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ir.graph import Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.compose import response, through
from ir.lowerings.rules.projection import bias_of, projected
from ir.lowerings.values import Current, LoweredValue, Wire, summed_bias
from ir.ops import Linear, Reshape
from ir.ops.base import Op

MAX_WEIGHTS = 1 << 25
TOO_MANY = (1 << 60, 1 << 60, 1)


def lower_by_merging(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """One matrix per wire, over the whole of its population."""
    (current,) = lowering.operands(node)
    assert isinstance(current, Current)
    if _merged_synapses(lowering, node, current) > MAX_WEIGHTS:
        what = f"is a weighted sum of a weighted sum, and as one matrix would hold more than {MAX_WEIGHTS:,} weights"
        lowering.refuse(
            node, "lower.chain", what, hint="put neurons between the two, or choose a profile with graded spikes"
        )
    wires = tuple(merged(lowering, wire, node) for wire in current.wires)
    bias = summed_bias([through(lowering, node, current), bias_of(lowering, node)])
    return Current(node.type.shape, wires, bias)


def lower_by_relay(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """Graded neurons take the first sum, the projection reads what they emit."""
    (current,) = lowering.operands(node)
    assert isinstance(current, Current)
    return projected(lowering, node, lowering.relay(current, f"{node.name}_relay", provenance))


def cost_of_merging(lowering: Lowering, node: Node) -> tuple[int, int, int]:
    """Neurons count as one synapse here: what matters is the memory that the chain takes."""
    (current,) = lowering.operands(node)
    assert isinstance(current, Current)
    synapses = _merged_synapses(lowering, node, current)
    return (synapses, 0, 1) if synapses <= MAX_WEIGHTS else TOO_MANY


def cost_of_a_relay(lowering: Lowering, node: Node) -> tuple[int, int, int]:
    """The synapses of both maps, and the neurons in between."""
    (current,) = lowering.operands(node)
    assert isinstance(current, Current)
    own = node.op.synapses(lowering.graph.args(node), {k: a.shape for k, a in lowering.graph.arrays(node).items()})
    first = sum(
        wire.op.synapses((lowering.builder.type(wire.source),), _shapes(lowering, wire)) for wire in current.wires
    )
    return own + first + prod(current.shape), 0, 1


def _shapes(lowering: Lowering, wire: Wire) -> dict[str, tuple[int, ...]]:
    return {} if wire.weight is None else {"weight": lowering.builder.array(wire.weight).shape}


def _merged_synapses(lowering: Lowering, node: Node, current: Current) -> int:
    return sum(lowering.builder.type(wire.source).size for wire in current.wires) * node.type.size


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
