"""
Convolutions with norms on spike images: the synapses in front of neurons that keep the image's two dimensions.

All tensors are (T, B, C, H, W), as SpikingJelly's multi-step neurons expect; convolutions see T and B as one batch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def convolve(x: torch.Tensor, conv: nn.Conv1d | nn.Conv2d, bn: nn.BatchNorm1d | nn.BatchNorm2d) -> torch.Tensor:
    """`bn(conv(x))`: (T, B, C, H, W) -> (T, B, C', H', W'); the same for tokens, (T, B, C, N) -> (T, B, C', N)."""
    return bn(conv(x.flatten(0, 1))).unflatten(0, x.shape[:2])


def fire_image(
    x: torch.Tensor, conv: nn.Conv1d | nn.Conv2d, bn: nn.BatchNorm1d | nn.BatchNorm2d, neuron: nn.Module
) -> torch.Tensor:
    """Spikes of `neuron(bn(conv(x)))`: (T, B, C, H, W) -> (T, B, C', H', W'), or (T, B, C, N) -> (T, B, C', N)."""
    return neuron(convolve(x, conv, bn).contiguous())


def pool_image(x: torch.Tensor, pool: nn.Module) -> torch.Tensor:
    """A pool of every step's image: (T, B, C, H, W) -> (T, B, C, H', W'); of spikes, a maximum is an OR."""
    return pool(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def tokens(x: torch.Tensor) -> torch.Tensor:
    """Pixels as tokens, row by row: (T, B, C, H, W) -> (T, B, H W, C)."""
    return x.flatten(3).transpose(-1, -2)


def fire_largest(current: torch.Tensor, pool: nn.Module, neuron: nn.Module) -> torch.Tensor:
    """Spikes of neurons behind a pool of currents: (T, B, C, H, W) -> (T, B, C, H', W')."""
    return neuron(pool_image(current, pool).contiguous())


def pool_spikes(current: torch.Tensor, pool: nn.Module, neuron: nn.Module) -> torch.Tensor:
    """
    A pool of the spikes of neurons in front of it: (T, B, C, H, W) -> (T, B, C, H', W').

    It has the parameters of `fire_largest`; from the second step on the spikes differ.
    """
    return pool_image(neuron(current.contiguous()), pool)


def pool_orders(of_currents: str) -> dict[str, Callable[[torch.Tensor, nn.Module, nn.Module], torch.Tensor]]:
    """
    Both orders of pool and neurons by the values of a configuration's `pool`; pools of currents have a name in each paper's code.

    `spike`: neurons in front of the pool, which is then an OR.
    """
    return {of_currents: fire_largest, "spike": pool_spikes}


def convolution(inputs: int, outputs: int) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """3 x 3 without bias, as the norm has one; the image keeps its size."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
