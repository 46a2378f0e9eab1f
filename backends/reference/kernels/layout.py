"""How the values of a population lie in memory, and which of its neurons share a bias."""

from __future__ import annotations

import torch

CHANNELS_LAST, CHANNELS_FIRST = (0, 1, 3, 4, 2), (0, 1, 4, 2, 3)
"""Axes of images (T, B, channels, height, width) in the order in which products of bytes leave them, and back."""


def is_channels_last(values: torch.Tensor) -> bool:
    """Whether images lie in memory with their channels last."""
    return (
        values.ndim == len(CHANNELS_LAST)
        and not values.is_contiguous()
        and values.permute(CHANNELS_LAST).is_contiguous()
    )


def channels_last_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(height, width, channels) of (channels, height, width)."""
    return (*shape[1:], shape[0])


def channels_last_bias(bias: torch.Tensor | None) -> torch.Tensor | None:
    """A bias that broadcasts to (channels, height, width), for (height, width, channels)."""
    return None if bias is None else bias.reshape((1,) * (3 - bias.ndim) + tuple(bias.shape)).permute(1, 2, 0)


def period(shape: tuple[int, ...], bias: torch.Tensor) -> torch.Tensor:
    """Biases (P,) of which neuron n of all samples has the one at n % P: a single one, one per feature, or all."""
    same = bias.ndim == 0 or bias.numel() == bias.shape[-1] == (shape[-1] if shape else 1)
    return bias.reshape(-1) if same else bias.expand(shape).reshape(-1)
