"""
A projection that reads a current: both linear maps become one, as no neuron lies between them.

    W (s x) = s (W x)                         spikes times a constant: the factor goes to the synapses
    W (k x) = (W k) x                         spikes times a factor per channel: of the columns, or of kernels' channels
    W pool(x) = W' x, pool(W x) = W' x        average pooling: a larger kernel, or the matrix over all pixels

Only maps that do not mix features compose in this way (constants, pooling, means over tokens): two matrices in a row could
cost more synapses as one, and which of the two is meant is for the model to say.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ir.graph import Array, Node
from ir.lowerings.lowering import Lowering
from ir.lowerings.values import Current, Wire, narrowest, per_channel
from ir.ops import Conv, Linear, Sum, Synapse
from ir.ops.base import Op

_ROWS = 256
"""Unit inputs that are sent through the two maps at a time, to bound the memory."""


def composed(lowering: Lowering, wire: Wire, node: Node) -> Wire | None:
    """The wire of projection `node` behind `wire`, reading the wire's own population; None where there is none."""
    if isinstance(wire.op, Synapse) and wire.weight is None:
        return _factor(lowering, wire, node)
    behind = _factors(lowering, wire, node) if isinstance(node.op, Linear | Conv) else None
    if behind is not None:
        return behind
    if isinstance(node.op, Linear) and len(lowering.graph.args(node)[0].shape) == 1:
        return _matrix(lowering, wire, node) if _is_pool(lowering, wire) else None
    if isinstance(node.op, Conv) and isinstance(wire.op, Conv) and not wire.routes and _are_plain(wire.op, node.op):
        return _kernel(lowering, wire, wire.op, node, node.op)
    return None


def _are_plain(first: Conv, second: Conv) -> bool:
    return first.is_plain and second.is_plain


def through(lowering: Lowering, node: Node, current: Current) -> Array | None:
    """What projection `node` makes of the constant of the current that it reads."""
    if current.bias is None:
        return None
    full = np.broadcast_to(current.bias, current.shape)[None, None]
    return narrowest(np.asarray(node.op.run((full,), _weight(lowering, node.param("weight"), full.dtype), 1))[0, 0])


def _is_pool(lowering: Lowering, wire: Wire) -> bool:
    """Sums of one feature over places: every channel by itself."""
    channels = lowering.builder.type(wire.source).shape[0]
    return isinstance(wire.op, Sum) or (isinstance(wire.op, Conv) and wire.op.groups == channels)


def _factor(lowering: Lowering, wire: Wire, node: Node) -> Wire:
    """Unit synapses with a factor; what routed their current routes the population."""
    assert isinstance(wire.op, Synapse)
    source = lowering.routed_source(wire, node.name)
    factor = wire.factor * wire.op.weight
    return Wire(source, node.op, node.name, node.provenance, node.param("weight"), factor)


def _factors(lowering: Lowering, wire: Wire, node: Node) -> Wire | None:
    """Synapses of single elements with weights of their own, where these change along the channels that are read only."""
    op, shape = wire.op, lowering.builder.type(wire.source).shape
    weight = None if wire.weight is None else lowering.builder.array(wire.weight)
    if not isinstance(op, Conv) or weight is None or set(weight.shape[1:]) != {1} or op.groups != shape[0]:
        return None
    if len(weight) != shape[0] or set(op.stride) != {1} or any(op.padding) or not op.is_plain:
        return None
    factors, read = (np.broadcast_to(each[:, 0], shape)[None, None] for each in (weight, np.ones_like(weight)))
    for route in wire.routes:
        factors, read = (np.asarray(route.run((each,), {}, 1)) for each in (factors, read))
    channels = per_channel(factors[0, 0], read[0, 0] != 0, 0 if isinstance(node.op, Conv) else factors.ndim - 3)
    if channels is None:
        return None
    columns = lowering.graph.arrays(node)["weight"]
    groups = node.op.groups if isinstance(node.op, Conv) else 1
    own = channels.reshape(groups, -1).repeat(len(columns) // groups, 0)
    scaled = columns.astype(np.float64) * own.reshape(*columns.shape[:2], *(1,) * (columns.ndim - 2))
    return _stored(lowering, wire, node, node.op, scaled, lowering.routed_source(wire, node.name))


def _matrix(lowering: Lowering, wire: Wire, node: Node) -> Wire:
    """A linear map of everything that was pooled: the matrix over all of the population."""
    shape = lowering.builder.type(wire.source).shape
    chain = [(wire.op, wire.weight), *((route, None) for route in wire.routes), (node.op, node.param("weight"))]
    rows = response(lowering, shape, chain)
    source = lowering.reshaped(wire.source, (rows.shape[0],), node.name, wire.provenance)
    return _stored(lowering, wire, node, Linear(), rows.T, source)


def _kernel(lowering: Lowering, wire: Wire, first: Conv, node: Node, second: Conv) -> Wire | None:
    """Two convolutions, one or both of them a pooling: one convolution with the larger kernel."""
    channels, *sizes = lowering.builder.type(wire.source).shape
    middle = lowering.graph.args(node)[0].shape[0]
    pools = first.groups == channels == middle, second.groups == middle == node.type.shape[0]
    if not any(pools) or any(op.groups > 1 and not pool for op, pool in zip((first, second), pools, strict=True)):
        return None
    inner = lowering.builder.array(wire.weight or "").shape[2:]
    if any(second.padding) and not _tiles(first, inner, sizes):
        return None
    outer = lowering.graph.arrays(node)["weight"].shape[2:]
    axes = zip(first.stride, second.dilation, outer, first.dilation, inner, strict=True)
    # the second kernel's taps lie stride x dilation inputs apart, and each of them sees a window of the first kernel
    kernel = tuple(step * gap * (taps - 1) + spread * (size - 1) + 1 for step, gap, taps, spread, size in axes)
    none, one = (0,) * len(kernel), (1,) * len(kernel)
    chain: list[tuple[Op, str | None]] = [
        (replace(first, padding=none), wire.weight),
        (replace(second, padding=none, stride=one), node.param("weight")),
    ]
    key = (channels, *kernel), tuple(chain)
    if key not in lowering.responses:  # every population of a count has this kernel
        lowering.responses[key] = response(lowering, (channels, *kernel), chain)
    weight = lowering.responses[key].T.reshape(-1, channels, *kernel)
    if all(pools):
        weight = weight[np.arange(channels), np.arange(channels)][:, None]
    stride = tuple(a * b for a, b in zip(first.stride, second.stride, strict=True))
    paddings = zip(first.stride, second.padding, first.padding, strict=True)
    padding = tuple(step * outside + inside for step, outside, inside in paddings)
    op = Conv(stride, padding, one, channels if all(pools) else 1)
    return _stored(lowering, wire, node, op, weight, wire.source)


def _tiles(op: Conv, kernel: tuple[int, ...], sizes: list[int]) -> bool:
    """Whether windows lie side by side and cover everything, so that zeros around the result are zeros around the input."""
    covers = op.stride == kernel and not any(n % k for n, k in zip(sizes, kernel, strict=True))
    return covers and not any(op.padding) and set(op.dilation) == {1}


def response(lowering: Lowering, shape: tuple[int, ...], chain: list[tuple[Op, str | None]]) -> Array:
    """(inputs, outputs): what a chain of linear operations makes of every unit input, in float64."""
    inputs = int(np.prod(shape))
    rows: list[Array] = []
    for start in range(0, inputs, _ROWS):
        value: Array = np.eye(min(_ROWS, inputs - start), inputs, start).reshape(1, -1, *shape)
        for op, weight in chain:
            value = np.asarray(op.run((value,), _weight(lowering, weight, value.dtype), 1))
        rows.append(value.reshape(value.shape[1], -1))
    return np.concatenate(rows)


def _weight(lowering: Lowering, name: str | None, dtype: np.dtype[np.generic]) -> dict[str, Array]:
    return {} if name is None else {"weight": lowering.builder.array(name).astype(dtype)}


def _stored(lowering: Lowering, wire: Wire, node: Node, op: Op, weight: Array, source: str) -> Wire:
    param = node.param("weight")
    assert param is not None, "the projections that are composed have weights"
    dtype = lowering.builder.array(param).dtype
    name = lowering.builder.param(f"{param}.behind_{wire.name}", weight.astype(dtype))
    return Wire(source, op, node.name, node.provenance, name, wire.factor)
