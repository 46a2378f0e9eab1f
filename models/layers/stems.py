"""
Downsampling with a shortcut: QKFormer's SPEDS, which SNNergy calls SPDS. Two paths of spikes, added to counts 0, 1, 2.

Attribute names are those of QKFormer's published checkpoints (its ImageNet networks).

`pool`: as published, `current`, maximum pools take the largest current and the neurons stand behind them; with `spike` the
neurons stand in front, and the pool is an OR. Both have the same parameters; from the second step on their spikes differ.

`sum_neuron`: SNNergy's equation 14 sends the sum through neurons once more (`lif()`); QKFormer, whose stem it is, does not
(`nn.Identity()`).
"""

from __future__ import annotations

import torch
from torch import nn

from models.layers.images import convolution, convolve, fire_image, pool_orders
from models.layers.neuron import lif

POOL_ORDERS = pool_orders(of_currents="current")


def _shortcut(inputs: int, outputs: int) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """1 x 1 on every second pixel of every second row."""
    return nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm2d(outputs)


class DownsamplingStem(nn.Module):
    """
    From an image to tokens of `width` channels.

    `u = LIF(pool(BN(conv x)))` with half the channels; `LIF(BN(conv LIF(pool(BN(conv u)))))` and `LIF(BN(W u))` are added.
    Sides shrink to a quarter as published; with `stride` 1, the stride of the first pool, to half.
    """

    def __init__(self, channels: int, width: int, pool: str, sum_neuron: nn.Module, stride: int = 2) -> None:
        super().__init__()
        half = width // 2
        self.order = POOL_ORDERS[pool]
        self.proj_conv, self.proj_bn = convolution(channels, half)
        self.proj_maxpool, self.proj_lif = nn.MaxPool2d(3, stride, padding=1), lif()
        self.proj1_conv, self.proj1_bn = convolution(half, width)
        self.proj1_maxpool, self.proj1_lif = nn.MaxPool2d(3, 2, padding=1), lif()
        self.proj2_conv, self.proj2_bn = convolution(width, width)
        self.proj2_lif = lif()
        self.proj_res_conv, self.proj_res_bn = _shortcut(half, width)
        self.proj_res_lif = lif()
        self.sum_lif = sum_neuron

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, channels, H, W) -> counts 0..2 (T, B, width, H', W')."""
        u = self.order(convolve(x, self.proj_conv, self.proj_bn), self.proj_maxpool, self.proj_lif)
        x = self.order(convolve(u, self.proj1_conv, self.proj1_bn), self.proj1_maxpool, self.proj1_lif)
        x = fire_image(x, self.proj2_conv, self.proj2_bn, self.proj2_lif)
        return self.sum_lif(x + fire_image(u, self.proj_res_conv, self.proj_res_bn, self.proj_res_lif))


class Downsampling(nn.Module):
    """Between two stages: `LIF(BN(conv LIF(pool(BN(conv x)))))` plus `LIF(BN(W x))`, twice the channels, half the sides."""

    def __init__(self, width: int, pool: str, sum_neuron: nn.Module) -> None:
        super().__init__()
        half = width // 2
        self.order = POOL_ORDERS[pool]
        self.proj3_conv, self.proj3_bn = convolution(half, width)
        self.proj3_maxpool, self.proj3_lif = nn.MaxPool2d(3, 2, padding=1), lif()
        self.proj4_conv, self.proj4_bn = convolution(width, width)
        self.proj4_lif = lif()
        self.proj_res_conv, self.proj_res_bn = _shortcut(half, width)
        self.proj_res_lif = lif()
        self.sum_lif = sum_neuron

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, width / 2, H, W) -> counts 0..2 (T, B, width, H / 2, W / 2)."""
        deep = self.order(convolve(x, self.proj3_conv, self.proj3_bn), self.proj3_maxpool, self.proj3_lif)
        deep = fire_image(deep, self.proj4_conv, self.proj4_bn, self.proj4_lif)
        return self.sum_lif(deep + fire_image(x, self.proj_res_conv, self.proj_res_bn, self.proj_res_lif))
