"""The values that travel between populations: their dtype, how they lie in memory, and what of them is only a copy."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from backends.reference.kernels import compiled_kernels
from ir.analysis.ranges import emitted_magnitude, fits_float32, fits_uint8
from ir.ops.integer_neuron import IntegerLif
from ir.types import Type

Count = torch.Tensor | int
"""A number of events; on a GPU it stays there until the end of a run."""
Emitted = tuple[torch.Tensor, Count]
"""What a population emits, and how many of its elements are not zero."""
SAMPLE_AXES = 2
"""Leading axes of every value: time and batch."""
CHANNELS_LAST, CHANNELS_FIRST = (0, 1, 3, 4, 2), (0, 1, 4, 2, 3)
"""Axes of images (T, B, channels, height, width) in the order in which products of bytes leave them, and back."""


def travel_dtype(type_: Type) -> torch.dtype:
    """The narrowest dtype that holds the spikes or payloads of an integer network."""
    largest = emitted_magnitude(type_)
    if type_.domain.kind == "graded" and type_.domain.bound <= 8:
        return torch.int8
    if type_.domain.kind != "graded" and fits_uint8(largest):
        return torch.uint8
    return torch.float32 if fits_float32(largest) else torch.float64


def without_copies(value: torch.Tensor) -> torch.Tensor:
    """The value with every expanded axis (stride 0) cut to length 1; time and batch stay."""
    for axis in range(SAMPLE_AXES, value.ndim):
        if value.stride(axis) == 0 and value.shape[axis] > 1:
            value = value.narrow(axis, 0, 1)
    return value


def is_channels_last(values: torch.Tensor) -> bool:
    """Whether images lie in memory with their channels last."""
    return (
        values.ndim == len(CHANNELS_LAST)
        and not values.is_contiguous()
        and values.permute(CHANNELS_LAST).is_contiguous()
    )


def laid_channels_last(images: torch.Tensor) -> torch.Tensor:
    """Images (rows, channels, height, width) with their channels last in memory; torch's own copy goes byte by byte."""
    compiled = compiled_kernels()
    if compiled is None or not images.is_contiguous() or images.shape[1] == 1:
        return images.contiguous(memory_format=torch.channels_last)
    rows, channels, height, width = images.shape
    laid = torch.empty((rows, height, width, channels), dtype=images.dtype)
    compiled.channels_last(images.flatten(2).numpy(), laid.flatten(1, 2).numpy())
    return laid.permute(0, 3, 1, 2)


def channels_last_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(height, width, channels) of (channels, height, width)."""
    return (*shape[1:], shape[0])


@dataclass(frozen=True)
class OwnNumbers:
    """What plain neurons have of their own, in units of v, broadcastable to their population, on its device."""

    bias: torch.Tensor | None = None
    """None for none."""
    level: torch.Tensor | None = None
    """What v must exceed; None for one of all neurons."""

    def to(self, dtype: torch.dtype) -> OwnNumbers:
        """The same in another dtype."""
        return OwnNumbers(*(None if each is None else each.to(dtype) for each in (self.bias, self.level)))

    def of_every_one(self, op: IntegerLif, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        """(bias, level), both of one shape; those of the operation where neurons have none of their own."""
        given = self.bias if self.level is None else self.level
        device = None if given is None else given.device
        bias = torch.zeros((), device=device) if self.bias is None else self.bias
        level = torch.tensor(op.level({}), device=device) if self.level is None else self.level
        bias, level = bias.to(dtype), level.to(dtype)
        return bias + torch.zeros_like(level), level + torch.zeros_like(bias)


def channels_last_bias(bias: torch.Tensor) -> torch.Tensor:
    """A bias that broadcasts to (channels, height, width), for (height, width, channels)."""
    return bias.reshape((1,) * (3 - bias.ndim) + tuple(bias.shape)).permute(1, 2, 0)


def bias_period(shape: tuple[int, ...], bias: torch.Tensor) -> torch.Tensor:
    """Biases (P,) of which neuron n of all samples has the one at n % P: a single one, one per feature, or all."""
    same = bias.ndim == 0 or bias.numel() == bias.shape[-1] == (shape[-1] if shape else 1)
    return bias.reshape(-1) if same else bias.expand(shape).reshape(-1)
