"""
Products of bytes on CUDA's tensor cores: int8 x int8 -> int32, exact while sums stay within 2^31 (the plan proves 2^24).

`torch._int_mm` wants more than 16 rows, lengths that are multiples of 8, and the second operand stored transposed; weights are
laid out so once, values are copied only where they do not fit.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import torch

from backends.event_driven.eight_bits import mantissas
from backends.reference.kernels.values import CHANNELS_FIRST, CHANNELS_LAST
from backends.reference.kernels.weighted_products import SourceSum, ValueOf
from ir.graph import Array
from ir.ops.linear import Conv

_INT_MM: Any = getattr(torch, "_int_mm", None)
LEAST_ROWS, MULTIPLE, ALIGNED = 32, 8, 16
"""Rows that a short operand is filled up to (17 would do); what lengths must be multiples of; and offsets, in bytes."""


class ByteMatrix:
    """A matrix (outputs, inputs) of integers, see `eight_bits.fits`; what all have in common is `scale`, a power of two."""

    def __init__(self, weight: Array, device: torch.device) -> None:
        bytes_, self.scale, of_rows = mantissas(weight)
        self._gains = None if of_rows is None else torch.from_numpy(of_rows.astype(np.int32)).to(device)
        self.outputs, self.inputs = weight.shape
        self.padded = _up(self.inputs)
        whole = np.zeros((_up(self.outputs), self.padded), np.int8)
        whole[: self.outputs, : self.inputs] = bytes_
        self._transposed = torch.from_numpy(whole).to(device).t()

    def product(self, x: torch.Tensor) -> torch.Tensor:
        """x (rows, inputs or those padded with anything), int8 -> int32 (rows, outputs), to be multiplied by `scale`."""
        rows, inputs = x.shape
        if rows < LEAST_ROWS or inputs != self.padded:
            filled = x.new_zeros((max(rows, LEAST_ROWS), self.padded))
            filled[:rows, :inputs] = x
            x = filled
        elif not x.is_contiguous() or x.storage_offset() % ALIGNED:
            x = x.clone(memory_format=torch.contiguous_format)
        y = _INT_MM(x, self._transposed)[:rows, : self.outputs]
        return y if self._gains is None else y * self._gains


class ByteDense:
    """A projection with a weight matrix; sources: what it reads, int8 or values that fit it."""

    def __init__(self, sources: SourceSum, weight: Array, device: torch.device) -> None:
        self._sources, self._matrix = sources, ByteMatrix(weight, device)
        self.scale = self._matrix.scale

    def unscaled(self, value: ValueOf) -> torch.Tensor:
        """The current (T, B, ..., outputs) / scale, int32."""
        x = int8_of(self._sources.total(value))
        y = self._matrix.product(x.reshape(-1, x.shape[-1]))
        return torch.unflatten(y, 0, x.shape[:-1])

    def current(self, value: ValueOf) -> torch.Tensor:
        """The current (T, B, ..., outputs), int32."""
        return scaled(self.unscaled(value), self.scale)


class ByteConvolution:
    """The kernels (outputs, inputs, height, width) of a convolution without groups, as a product with every patch of bytes."""

    def __init__(self, op: Conv, sources: SourceSum, weight: Array, device: torch.device) -> None:
        self._op, self._sources, self._size = op, sources, weight.shape[2:]
        self._matrix = ByteMatrix(weight.transpose(0, 2, 3, 1).reshape(len(weight), -1), device)
        self.scale = self._matrix.scale

    def unscaled(self, value: ValueOf) -> torch.Tensor:
        """The current (T, B, outputs, height, width) / scale, int32, channels last in memory."""
        patches = self._patches(int8_of(self._sources.total(value)))
        rows = patches.new_empty((prod(patches.shape[:4]), self._matrix.padded))  # the rest meets weights of zero
        rows[:, : self._matrix.inputs].view(patches.shape).copy_(patches)
        y = self._matrix.product(rows)
        return torch.unflatten(y, 0, patches.shape[:4]).permute(CHANNELS_FIRST)

    def current(self, value: ValueOf) -> torch.Tensor:
        """The current (T, B, outputs, height, width), int32."""
        return scaled(self.unscaled(value), self.scale)

    def _patches(self, x: torch.Tensor) -> torch.Tensor:
        """A view (T, B, height, width of the outputs, those of a kernel, channels) of images (T, B, channels, height, width)."""
        images = x.permute(CHANNELS_LAST)
        (down, right), (rows, columns) = self._op.padding, images.shape[2:4]
        if down or right:
            wide = x.new_zeros((*x.shape[:2], rows + 2 * down, columns + 2 * right, x.shape[2]))
            wide[:, :, down : down + rows, right : right + columns] = images
            images = wide
        steps, gaps = self._op.stride, self._op.dilation
        sizes = [
            (images.shape[2 + axis] - gaps[axis] * (self._size[axis] - 1) - 1) // steps[axis] + 1 for axis in (0, 1)
        ]
        time, batch, row, column, channel = images.stride()
        strides = (time, batch, row * steps[0], column * steps[1], row * gaps[0], column * gaps[1], channel)
        shape = (*images.shape[:2], *sizes, *self._size, images.shape[4])
        return images.as_strided(shape, strides, images.storage_offset())


def int8_of(x: torch.Tensor) -> torch.Tensor:
    """Whole numbers that int8 holds, as such; unsigned bytes are not copied."""
    return x.view(torch.int8) if x.dtype == torch.uint8 else x.to(torch.int8)


def scaled(y: torch.Tensor, scale: int) -> torch.Tensor:
    """y scale."""
    return y if scale == 1 else y * scale


def _up(length: int) -> int:
    return -(-length // MULTIPLE) * MULTIPLE
