"""
The synapses of a `.net` file's layers: integer weights, and the projection that they belong to.

Shapes are SLAYER's, (C, H, W) or (C,), and kernels torch's, (O, I / groups, H, W); netx turns both around for Lava.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from frontend.netx.layers import NetLayer
from ir.graph import Array
from ir.ops.linear import Conv, Linear

Shape = tuple[int, ...]
WEIGHT_BITS = 8
"""Of Loihi's synapses, sign included."""


@dataclass(frozen=True, eq=False)
class NetSynapses:
    """A projection and its integer weights."""

    op: Linear | Conv
    weight: Array
    recurrent: Array | None = None
    """Weights from the layer's own neurons, (neurons, neurons); None where there are none."""


def synapses_of(layer: NetLayer, shape: Shape) -> NetSynapses:
    """
    The synapses of a layer that takes values of `shape`.

    Raises:
        CompileError: for entries that are missing, do not fit each other or the input, and weights beyond the chip's.
    """
    synapses = RULES[layer.kind](layer, shape)
    weights = [synapses.weight] if synapses.recurrent is None else [synapses.weight, synapses.recurrent]
    _check_range(layer, np.concatenate([weight.reshape(-1) for weight in weights]))
    return synapses


def _check_range(layer: NetLayer, weights: Array) -> None:
    """Loihi's synapses: 8 bits; weights of both signs beyond them are even, and have a ninth."""
    low, high = int(weights.min(initial=0)), int(weights.max(initial=0))
    half = 1 << (WEIGHT_BITS - 1)
    fine = -half <= low and high < half
    even = -2 * half <= low and high < 2 * half and (low >= 0 or high <= 0 or not (weights & 1).any())
    if not fine and not even:
        raise layer.error(
            "weight",
            f"weights of {low}..{high} do not fit synapses of {WEIGHT_BITS} bits",
            hint="whole -128..127, even -256..254, or of one sign up to 255",
        )


def _dense(layer: NetLayer, shape: Shape) -> NetSynapses:
    """All to all; a weight that is stored as a vector has a row per output."""
    rows = int(np.prod(layer.sizes("shape")))
    recurrent = _matrix(layer, "weight_rec", rows) if layer.kind == "dense_rec" else None
    weight = _matrix(layer, "weight", rows)
    if len(shape) != 1:
        raise layer.error("shape", f"a dense layer takes a vector, not {shape}", hint="flatten before it")
    if (
        weight.shape[1] != shape[0]
        or _contradicts(layer, "inFeatures", shape[0])
        or _contradicts(layer, "outFeatures", rows)
    ):
        raise layer.error("shape", f"a weight of shape {weight.shape} does not connect {shape[0]} inputs to {rows}")
    if recurrent is not None and recurrent.shape != (rows, rows):
        raise layer.error("shape", f"weight_rec has shape {recurrent.shape}, needs ({rows}, {rows})")
    return NetSynapses(Linear(), weight, recurrent)


def _contradicts(layer: NetLayer, name: str, size: int) -> bool:
    """Whether an entry contradicts a size."""
    return layer.has(name) and layer.number(name) != size


def _matrix(layer: NetLayer, name: str, rows: int) -> Array:
    """An entry that is a matrix of so many rows."""
    value = layer.whole(name)
    if not value.size or value.size % rows or value.ndim not in (1, 2) or (value.ndim == 2 and len(value) != rows):
        raise layer.error("shape", f"{name} of shape {value.shape} has not {rows} rows")
    return value.reshape(rows, -1)


def _conv(layer: NetLayer, shape: Shape) -> NetSynapses:
    """A kernel over channels in groups."""
    weight, groups = _kernel(layer), layer.number("groups")
    fits = groups >= 1 and len(shape) == 3 and weight.shape[1] * groups == shape[0] and len(weight) % groups == 0
    if not fits:
        raise layer.error("shape", f"a kernel of shape {weight.shape} in {groups} groups cannot take {shape}")
    if _contradicts(layer, "inChannels", shape[0]) or _contradicts(layer, "outChannels", len(weight)):
        raise layer.error("shape", f"inChannels or outChannels contradict the kernel of shape {weight.shape}")
    return NetSynapses(_convolution(layer, groups), weight)


def _pool(layer: NetLayer, shape: Shape) -> NetSynapses:
    """
    One kernel for every channel.

    SLAYER appends (size mod kernel) rows of zeros below and to the right. A kernel that starts with as many zeros, on an input
    padded by as many more on both sides, sees the same. It then lays the channels below each other, so windows must tile them.
    """
    weight = _kernel(layer)
    if len(shape) != 3 or weight.shape[:2] != (1, 1):
        raise layer.error("shape", f"a pooling kernel of shape {weight.shape} cannot take {shape}")
    extra = [size % kernel for size, kernel in zip(shape[1:], weight.shape[2:], strict=True)]
    op = _convolution(layer, shape[0])
    height, tall = shape[1] + extra[0], weight.shape[2]
    if height % tall or (op.stride[0], op.padding[0], op.dilation[0]) != (tall, 0, 1):
        raise layer.error(
            "pool",
            "in SLAYER, windows that do not tile the height reach into the next channel",
            hint="pool with stride = kernel, without padding or dilation",
        )
    if any(extra):
        if op.dilation != (1, 1):
            raise layer.error("pool", f"a dilated kernel of {weight.shape[2:]} does not divide {shape[1:]}")
        weight = np.pad(weight, ((0, 0), (0, 0), (extra[0], 0), (extra[1], 0)))
        op = Conv(op.stride, (op.padding[0] + extra[0], op.padding[1] + extra[1]), op.dilation, op.groups)
    return NetSynapses(op, np.repeat(weight, shape[0], axis=0))


def _kernel(layer: NetLayer) -> Array:
    """(O, I / groups, H, W); SLAYER's own kernels have a time axis of length 1 behind."""
    value = layer.whole("weight")
    value = value[..., 0] if value.ndim == 5 and value.shape[4] == 1 else value
    if value.ndim != 4 or not value.size:
        raise layer.error("shape", f"weight of shape {value.shape} is no kernel (O, I, H, W)")
    if layer.has("kernelSize") and layer.pair("kernelSize", 1) != value.shape[2:]:
        raise layer.error("shape", f"kernelSize contradicts the kernel of shape {value.shape}")
    return value


def _convolution(layer: NetLayer, groups: int) -> Conv:
    return Conv(layer.pair("stride", 1), layer.pair("padding", 0), layer.pair("dilation", 1), groups)


RULES: Mapping[str, Callable[[NetLayer, Shape], NetSynapses]] = {
    "dense": _dense,
    "dense_rec": _dense,
    "conv": _conv,
    "pool": _pool,
}
"""Type of a layer with synapses -> what they are."""
ENTRIES: Mapping[str, tuple[str, ...]] = {
    "dense": ("inFeatures", "outFeatures", "weight"),
    "dense_rec": ("inFeatures", "outFeatures", "weight", "weight_rec"),
    "conv": ("inChannels", "outChannels", "kernelSize", "stride", "padding", "dilation", "groups", "weight"),
    "pool": ("kernelSize", "stride", "padding", "dilation", "weight"),
}
"""Type -> its entries about synapses."""
