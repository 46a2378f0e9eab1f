"""What one IR operation becomes in standard NIR, and the nodes that act on every element by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nir
import numpy as np

from ir.graph import Array

MAX_COPIES = 1 << 22
"""Elements of a matrix that is written only because NIR has no node for what it says: 4 million, 16 MiB in float32."""

Chain = tuple[nir.NIRNode, ...]
"""Nodes one after another; several edges into the first add up."""


@dataclass(frozen=True)
class NirFragment:
    """One IR operation in standard NIR: every operand goes through its branch, then all through the trunk."""

    trunk: Chain
    """Empty for a bare wire: the readers of the value read its operands."""
    branches: tuple[Chain, ...] = ()
    """One chain for each operand; none where the operands enter the trunk directly."""


def full(value: Any, shape: tuple[int, ...], dtype: str) -> Array:
    """A number or a broadcastable array as an array of its own, of exactly `shape`."""
    return np.ascontiguousarray(np.broadcast_to(np.asarray(value, np.float64), shape), dtype=dtype)


def factor(value: Any, shape: tuple[int, ...], dtype: str) -> nir.NIRNode:
    """y = value x, element by element."""
    return nir.Scale(full(value, shape, dtype))


def identity(shape: tuple[int, ...], dtype: str) -> nir.NIRNode:
    """A node that only adds up what enters it."""
    return factor(1.0, shape, dtype)


def shifted(value: float, bias: Array, shape: tuple[int, ...], dtype: str) -> nir.NIRNode | None:
    """y = value x + bias, element by element: NIR has biases in matrices and convolutions only. None: too large, or no axes."""
    if not shape:
        return None
    channels, ones = shape[0], (1,) * (len(shape) - 1)
    by_channel = np.broadcast_to(bias, shape)[(slice(None), *(slice(0, 1),) * len(ones))]
    alike = bool((np.broadcast_to(bias, shape) == by_channel).all())
    if len(shape) in (2, 3) and alike and channels * channels <= MAX_COPIES:  # a convolution of one tap has a bias
        taps = full((value * np.eye(channels)).reshape(channels, channels, *ones), (channels, channels, *ones), dtype)
        return convolution(shape[1:], taps, (1,), (0,), (1,), full(by_channel.reshape(-1), (channels,), dtype))
    if np.prod(shape) * shape[-1] > MAX_COPIES:
        return None
    weight = np.broadcast_to(value * np.eye(shape[-1]), (*shape[:-1], shape[-1], shape[-1]))
    return nir.Affine(full(weight, weight.shape, dtype), full(bias, shape, dtype))


def convolution(
    spatial: tuple[int, ...],
    weight: Array,
    stride: tuple[int, ...],
    padding: tuple[int, ...] | str,
    dilation: tuple[int, ...],
    bias: Array,
    groups: int = 1,
) -> nir.NIRNode:
    """Conv1d or Conv2d; numbers of one axis hold for both."""
    if len(spatial) == 1:
        pads = padding if isinstance(padding, str) else padding[0]
        return nir.Conv1d(spatial[0], weight, stride[0], pads, dilation[0], groups, bias)
    pads = padding if isinstance(padding, str) else (padding[0], padding[-1])
    size = (spatial[0], spatial[1])
    return nir.Conv2d(size, weight, (stride[0], stride[-1]), pads, (dilation[0], dilation[-1]), groups, bias)
