"""
Products and convolutions of bytes: presynaptic uint8 or int8 against weights of eight bits, by oneDNN, exact.

The hardware sums in int32; the result is float32, exact while sums stay within 2^24. Older processors saturate instead of
summing (performance notes: facts on AVX2 and AVX-512 without VNNI), so the first use asks this one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from backends.event_driven.eight_bits import mantissas
from backends.reference.kernels.values import laid_channels_last
from ir.graph import Array
from ir.ops.linear import Conv

WORTH = 1 << 20
"""Multiplications from which bytes are faster than float32 in spite of the dearer call."""

_ONEDNN: Any = getattr(torch.ops, "onednn")  # noqa: B009, torch makes its operations when they are asked for


class Int8Weights:
    """A matrix (outputs, inputs) of integers, packed; see `eight_bits.fits`."""

    def __init__(self, weight: Array) -> None:
        self._outputs = len(weight)
        bytes_, self._scales = _scaled_bytes(weight)
        self._packed = _ONEDNN.qlinear_prepack(bytes_, None)
        self._zeros = torch.zeros(self._outputs, dtype=torch.int64)

    def product(self, x: torch.Tensor) -> torch.Tensor:
        """x (..., inputs), uint8 or int8 -> float32 (..., outputs)."""
        middle = 0
        if x.dtype == torch.int8:
            x, middle = x.view(torch.uint8) ^ 128, 128
        return _ONEDNN.qlinear_pointwise(
            x, 1.0, middle, self._packed, self._scales, self._zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )


def _scaled_bytes(weight: Array) -> tuple[torch.Tensor, torch.Tensor]:
    """Bytes and the factor of every row, float32."""
    bytes_, shared, of_rows = mantissas(weight)
    factors = np.full(len(weight), shared) if of_rows is None else shared * of_rows
    return torch.from_numpy(bytes_), torch.from_numpy(factors.astype(np.float32))


def can_convolve(op: Conv, kernels: tuple[int, ...]) -> bool:
    """
    Whether oneDNN convolves images by `kernels` (outputs, inputs / groups, height, width) exactly.

    Found by experiment (torch 2.3.1): it crashes on windows that lie wholly in the padding, and may err on a single input per
    group where the strides differ.
    """
    inputs, *sizes = kernels[1:]
    reaches = zip(op.padding, op.dilation, sizes, strict=True)
    inside = all(padding <= gap * (size - 1) for padding, gap, size in reaches)
    return op.is_plain and len(sizes) == 2 and inside and (inputs > 1 or len(set(op.stride)) == 1)


class Int8Kernels:
    """
    The kernels (outputs, inputs / groups, height, width) of a convolution of integers, packed; see `eight_bits.fits` and
    `can_convolve`.
    """

    def __init__(self, op: Conv, weight: Array) -> None:
        outputs = len(weight)
        self._geometry: tuple[list[int], ...] = (list(op.stride), list(op.padding), list(op.dilation))
        self._groups = op.groups
        bytes_, self._scales = _scaled_bytes(weight)
        self._zeros = torch.zeros(outputs, dtype=torch.int64)
        self._packed = _ONEDNN.qconv_prepack(bytes_, self._scales, 1.0, 0, *self._geometry, op.groups, None)

    def convolve(self, x: torch.Tensor) -> torch.Tensor:
        """x (rows, inputs, height, width) uint8 -> float32 (rows, outputs, height, width), channels last in memory."""
        x = laid_channels_last(x)
        return _ONEDNN.qconv2d_pointwise(
            x,
            1.0,
            0,
            self._packed,
            self._scales,
            self._zeros,
            None,
            *self._geometry,
            self._groups,
            1.0,
            0,
            torch.float32,
            "none",
            [],
            "",
        )


class Int8Points:
    """
    The kernels of a convolution that sees one pixel at every place, as a matrix; see `is_pointwise`.

    oneDNN convolves by them up to twenty times slower than it multiplies (torch 2.3.1: 32 ms and 1.5 ms for 384 channels to
    1,536 on four images of 8 x 8).
    """

    def __init__(self, op: Conv, weight: Array) -> None:
        self._seen = (..., *(slice(None, None, stride) for stride in op.stride))
        self._weights = Int8Weights(weight.reshape(len(weight), -1))

    def convolve(self, x: torch.Tensor) -> torch.Tensor:
        """x (rows, inputs, ...) uint8 -> float32 (rows, outputs, ...), channels last in memory."""
        pixels = x[self._seen].movedim(1, -1).contiguous()
        return self._weights.product(pixels).movedim(-1, 1)


def is_pointwise(op: Conv, kernels: tuple[int, ...]) -> bool:
    """Whether every output of a convolution by `kernels` sees all channels of one place."""
    return op.is_plain and op.groups == 1 and set(kernels[2:]) == {1} and not any(op.padding)


def int8_kernels(op: Conv, weight: Array) -> Int8Kernels | Int8Points | None:
    """The kernels of a convolution, packed in the form in which they are fast; None where bytes would not be exact."""
    if is_pointwise(op, weight.shape):
        return Int8Points(op, weight)
    return Int8Kernels(op, weight) if can_convolve(op, weight.shape) else None


@lru_cache(maxsize=1)
def is_exact() -> bool:
    """Whether this processor and this torch sum bytes exactly: the largest and random ones against whole numbers."""
    rng = np.random.default_rng(0)
    weight = np.concatenate([np.full((2, 517), 127), np.full((2, 517), -128), rng.integers(-128, 128, (61, 517))])
    unsigned = np.concatenate([np.full((1, 517), 255), rng.integers(0, 256, (15, 517))]).astype(np.uint8)
    try:
        packed = Int8Weights(weight)
        dense = all(
            np.array_equal(packed.product(torch.from_numpy(x)).numpy(), x.astype(np.int64) @ weight.T)
            for x in (unsigned, unsigned.view(np.int8), unsigned[:1])
        )
        kernels = weight[:, :513].reshape(-1, 57, 3, 3)
        x = torch.from_numpy(unsigned[:, :513].reshape(-1, 57, 3, 3))
        op = Conv((1, 2), (1, 0), (1, 1))
        wide = functional.conv2d(x.double(), torch.from_numpy(kernels).double(), None, op.stride, op.padding)
        return dense and torch.equal(Int8Kernels(op, kernels).convolve(x).double(), wide)
    except (AttributeError, RuntimeError, TypeError):  # another torch, or one without oneDNN
        return False
