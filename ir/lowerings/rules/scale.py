"""
Constant factors go into the weights of the synapses that make the current, constant terms into the bias of its neuron.

s (W x + b) = (s W) x + s b        0 neurons, 0 synapses
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ir.graph import Array, Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.chain import merged
from ir.lowerings.rules.routing import fitted
from ir.lowerings.values import Current, LoweredValue, PendingProduct, Wire, narrowest, summed_bias
from ir.ops import Conv, Linear, Reshape, Synapse


def lower_scale(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The operand's current with the factor on every wire; spikes get unit synapses to carry it."""
    (value,) = lowering.operands(node)
    factors = _factors(lowering, node)
    if isinstance(value, PendingProduct):
        return replace(value, factor=value.factor * _single(lowering, node, narrowest(factors)))
    return times(
        lowering, fitted(lowering.current(value, f"{node.name}_in", provenance), node.type.shape), factors, node
    )


def times(lowering: Lowering, current: Current, factors: Array, node: Node) -> Current:
    """A current times constants with the axes of its shape."""
    factors = narrowest(factors)
    if factors.size == 1:
        return current.scaled(float(factors.item()))
    bias = None if current.bias is None else current.bias * factors
    return Current(current.shape, tuple(_weighted(lowering, wire, factors, node) for wire in current.wires), bias)


def _factors(lowering: Lowering, node: Node) -> Array:
    """The factors with the axes of the result."""
    role = node.param("weight")
    if role is None:
        return np.array(node.op.attributes()["factor"], lowering.graph.dtype)
    array = lowering.graph.params[role]
    return array.reshape((1,) * (len(node.type.shape) - array.ndim) + array.shape)


def _single(lowering: Lowering, node: Node, factors: Array) -> float:
    if factors.size != 1:
        hint = "multiply the result of the product instead"
        lowering.refuse(node, "lower.scale", "multiplies a factor of a matrix product element by element", hint=hint)
    return float(factors.item())


def _weighted(lowering: Lowering, wire: Wire, factors: Array, node: Node) -> Wire:
    """A wire with a factor per element: on the rows of its matrix or kernels, or one synapse with a weight per element."""
    rows = _rows(wire, factors)
    if wire.weight is not None and rows is not None:
        weight = lowering.builder.array(wire.weight)
        scaled = weight * rows.reshape(-1, *(1,) * (weight.ndim - 1))
        return replace(wire, weight=lowering.builder.param(f"{wire.weight}.times_{node.name}", scaled))
    if isinstance(wire.op, Synapse):
        return _elementwise(lowering, wire, factors, node)
    return merged(lowering, wire, node)


def _rows(wire: Wire, factors: Array) -> Array | None:
    """The factors as one per output feature of a projection, where they change along features only."""
    axis = 0 if isinstance(wire.op, Conv) else factors.ndim - 1
    along = factors.size == factors.shape[axis]
    return factors.reshape(-1) if along and not wire.routes and isinstance(wire.op, (Linear, Conv)) else None


def _elementwise(lowering: Lowering, wire: Wire, factors: Array, node: Node) -> Wire:
    """One synapse per element with a weight of its own: a convolution of single elements."""
    assert isinstance(wire.op, Synapse)
    size = node.type.size
    flat = lowering.reshaped(lowering.routed_source(wire, node.name), (size, 1), node.name, wire.provenance)
    weight = np.broadcast_to(factors, node.type.shape).reshape(size, 1, 1) * wire.op.weight
    name = lowering.builder.param(f"{node.name}.elements", weight.astype(lowering.graph.dtype))
    routes = (Reshape(node.type.shape),)
    return Wire(flat, Conv((1,), (0,), (1,), size), node.name, node.provenance, name, wire.factor, routes)


def lower_offset(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The operand's current with one more constant."""
    role = node.param("bias")
    current = fitted(lowering.current(lowering.operands(node)[0], f"{node.name}_in", provenance), node.type.shape)
    term = np.array(node.op.attributes()["term"], lowering.graph.dtype) if role is None else lowering.graph.params[role]
    rank = len(node.type.shape)
    bias = np.asarray(term).reshape((1,) * (rank - np.ndim(term)) + np.shape(term))
    return Current(current.shape, current.wires, summed_bias([current.bias, bias]))
