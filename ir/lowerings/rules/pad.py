"""
Zeros around features: synapses that bring every element to its place, and none to the others.

    pad(x)          spikes of (C, *spatial), as many zeros on either side: a convolution with kernels of 1, which the one
                    behind it takes in                                                        0 neurons, 0 synapses
    pad(W x + b)    kernels of 1: the same convolution on a larger image, b inside of it only
    else            the matrix of both maps, as for two projections in a row
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from ir.graph import Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.chain import MAX_WEIGHTS, merged
from ir.lowerings.values import Current, LoweredValue, PendingProduct, Wire, routed_bias
from ir.ops import Conv, Pad, Synapse


def lower_pad(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """Every wire with zeros around what it brings, and the constant, too."""
    (value,) = lowering.operands(node)
    assert not isinstance(value, PendingProduct), "a product is read by a matrix product only"
    current = lowering.current(value, f"{node.name}_in", provenance)
    bias = None if current.bias is None else routed_bias(current.bias, current.shape, node.op)
    return Current(node.type.shape, tuple(_padded(lowering, wire, node) for wire in current.wires), bias)


def obstacle_to_padding(lowering: Lowering, node: Node) -> str | None:
    """Why there can be no matrix where one is needed, None where there can."""
    (value,) = lowering.operands(node)
    if not isinstance(value, Current):
        return None
    sizes = [
        lowering.builder.type(wire.source).size for wire in value.wires if _as_kernel(lowering, wire, node) is None
    ]
    if sum(sizes) * prod(node.type.shape) <= MAX_WEIGHTS:
        return None
    return f"pads a weighted sum, and as one matrix would hold more than {MAX_WEIGHTS:,} weights"


def _padded(lowering: Lowering, wire: Wire, node: Node) -> Wire:
    kernel = _as_kernel(lowering, wire, node)
    return merged(lowering, wire, node) if kernel is None else kernel


def _as_kernel(lowering: Lowering, wire: Wire, node: Node) -> Wire | None:
    """The wire as a convolution with kernels of 1 and padding; None where it is none."""
    op, shape = node.op, node.type.shape
    assert isinstance(op, Pad)
    if op.before != op.after or op.axis == 0 or len(shape) not in (2, 3):
        return None
    padding = tuple(op.before if axis == op.axis else 0 for axis in range(1, len(shape)))
    if isinstance(wire.op, Conv) and not wire.routes and wire.weight is not None:
        kernel = lowering.builder.array(wire.weight).shape[2:]
        if set(kernel) | set(wire.op.stride) == {1}:
            both = tuple(a + b for a, b in zip(wire.op.padding, padding, strict=True))
            return replace(wire, op=replace(wire.op, padding=both))
    if not isinstance(wire.op, Synapse) or wire.weight is not None:
        return None
    ones = np.ones((shape[0], 1, *(1,) * len(padding)), lowering.graph.dtype)
    weight = lowering.builder.param(f"{node.name}.places", ones)
    source, none = lowering.routed_source(wire, node.name), (1,) * len(padding)
    conv = Conv(none, padding, none, shape[0])
    return Wire(source, conv, wire.name, wire.provenance, weight, wire.factor * wire.op.weight)
