"""
Constant factors go into the weights of the synapses that make the current, constant terms into the bias of its neuron.

    s (W x + b) = (s W) x + s b        0 neurons, 0 synapses

A factor per channel is one of the rows of a matrix, of kernels, or of the kernels that unit synapses and sums become: each of one
channel, k x = conv(x) with kernels of one element, k sum(x) with those of as many as are added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from ir.graph import Array, Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.chain import MAX_WEIGHTS, merged
from ir.lowerings.rules.routing import fitted
from ir.lowerings.values import Current, LoweredValue, PendingProduct, Wire, narrowest, per_channel, summed_bias
from ir.ops import Conv, Permute, Reshape, Sum, Synapse


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
    """A wire with a factor per element: in the weights that it has, or one synapse with a weight per element."""
    if isinstance(wire.op, Synapse):
        wire = replace(wire, source=lowering.routed_source(wire, node.name), routes=())
    own = _before_routes(lowering, wire, np.broadcast_to(factors, node.type.shape))
    rows = None if own is None else _of_features(lowering, wire, *own, node)
    if rows is not None:
        return rows
    if isinstance(wire.op, Synapse):
        return _elementwise(lowering, wire, factors, node)
    if lowering.builder.type(wire.source).size * node.type.size > MAX_WEIGHTS:
        what = f"has factors for single elements, and as one matrix would hold more than {MAX_WEIGHTS:,} weights"
        lowering.refuse(node, "lower.scale", what, hint="give every channel one factor, or put neurons in between")
    return merged(lowering, wire, node)


def _before_routes(lowering: Lowering, wire: Wire, factors: Array) -> tuple[Array, Array] | None:
    """Factors of what a projection makes, and which of it is read; None where routing makes elements of unlike factors of one."""
    shapes = {} if wire.weight is None else {"weight": lowering.builder.array(wire.weight).shape}
    shape = wire.op.infer((lowering.builder.type(wire.source),), shapes).shape
    places: Array = 1 + np.arange(prod(shape)).reshape(1, 1, *shape)  # 0 is a wire from nowhere
    for route in wire.routes:
        places = np.asarray(route.run((places,), {}, 1))
    places = places[0, 0]
    own, read = np.ones(1 + prod(shape), factors.dtype), np.zeros(1 + prod(shape), bool)
    own[places.ravel()], read[places.ravel()] = factors.ravel(), True
    if not ((own[places] == factors) | (places == 0)).all():
        return None
    return own[1:].reshape(shape), read[1:].reshape(shape)


def _of_features(lowering: Lowering, wire: Wire, factors: Array, read: Array, node: Node) -> Wire | None:
    """The wire with one factor per feature, where they change along features only: of its matrix, kernels, or elements."""
    if isinstance(wire.op, (Synapse, Sum)):
        summed = wire.op.axes if isinstance(wire.op, Sum) else ()
        for axis in (axis for axis in range(factors.ndim) if axis not in summed):
            channels = per_channel(factors, read, axis)
            if channels is not None and 2 <= factors.ndim <= 4:
                return _kernels(lowering, wire, channels * wire.op.weight, axis, summed, node)
        return None
    channels = per_channel(factors, read, 0 if isinstance(wire.op, Conv) else factors.ndim - 1)
    if wire.weight is None or channels is None:
        return None
    weight = lowering.builder.array(wire.weight)
    scaled = weight * channels.reshape(-1, *(1,) * (weight.ndim - 1))
    return replace(wire, weight=lowering.builder.param(f"{wire.weight}.times_{node.name}", scaled))


def _kernels(lowering: Lowering, wire: Wire, channels: Array, axis: int, summed: Sequence[int], node: Node) -> Wire:
    """Unit synapses, or a sum, as kernels of one channel each, which lie along an axis."""
    shape = lowering.builder.type(wire.source).shape
    others = [other for other in range(len(shape)) if other != axis]
    order, source, routes = (axis, *others), wire.source, wire.routes
    if axis:
        source = lowering.add(Permute(order), source, name=f"{node.name}_channels", provenance=wire.provenance)
        routes = (Permute(tuple(map(order.index, range(len(shape))))), *routes)
    sizes = [shape[other] if other in summed else 1 for other in others]
    weight = np.broadcast_to(channels.reshape(-1, 1, *(1 for _ in sizes)), (len(channels), 1, *sizes))
    name = lowering.builder.param(f"{node.name}.channels", weight.astype(lowering.graph.dtype))
    one, none = (1,) * len(sizes), (0,) * len(sizes)
    op = Conv(one, none, one, len(channels))
    return Wire(source, op, node.name, node.provenance, name, wire.factor, routes)


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
