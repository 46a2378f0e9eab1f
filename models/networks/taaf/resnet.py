"""
Spiking ResNet-18 with SEW blocks (Fang et al., arXiv 2102.04159): the sum of the shortcut's spikes and the block's own.

Sums are counts, 0..3 inside a stage; no current goes past a neuron. Attribute names are torchvision's.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from models.layers.images import fire_image, pool_image

Neuron = Callable[[], nn.Module]
BLOCKS_PER_STAGE = 2


class SewBlock(nn.Module):
    """`LIF(BN(conv LIF(BN(conv x)))) + x`; where sizes change, `LIF(BN(W x))` (1 x 1, strided) in place of x."""

    def __init__(self, inputs: int, outputs: int, stride: int, neuron: Neuron) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs)
        self.sn1 = neuron()
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
        self.sn2 = neuron()
        self.downsample = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = SpikingShortcut(inputs, outputs, stride, neuron)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, inputs, H, W) -> counts (T, B, outputs, H / stride, W / stride)."""
        spikes = fire_image(x, self.conv1, self.bn1, self.sn1)
        return fire_image(spikes, self.conv2, self.bn2, self.sn2) + self.downsample(x)


class SpikingShortcut(nn.Sequential):
    """`LIF(BN(W x))`, W 1 x 1 and strided. Entries 0 and 1 are the convolution and the norm, as in torchvision."""

    def __init__(self, inputs: int, outputs: int, stride: int, neuron: Neuron) -> None:
        super().__init__(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs), neuron())

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """(T, B, inputs, H, W) -> spikes (T, B, outputs, H / stride, W / stride)."""
        conv, bn, neuron = self
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(bn, nn.BatchNorm2d)
        return fire_image(x, conv, bn, neuron)


class SpikingResNet18(nn.Module):
    """
    Conv, BN, neurons, a 3 x 3 maximum pool of spikes (OR), four stages of two SEW blocks, the mean over pixels.

    `width` is the first stage's, 64 as published; it doubles from stage to stage. `kernel` and `stride` are the first
    convolution's, 7 and 2 as published; small images need smaller ones.
    """

    def __init__(self, channels: int, width: int, kernel: int, stride: int, neuron: Neuron) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)
        self.bn1, self.sn1 = nn.BatchNorm2d(width), neuron()
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = _stage(width, width, 1, neuron)
        self.layer2 = _stage(width, 2 * width, 2, neuron)
        self.layer3 = _stage(2 * width, 4 * width, 2, neuron)
        self.layer4 = _stage(4 * width, 8 * width, 2, neuron)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images (T, B, channels, H, W) -> mean counts (T, B, 8 width) of every step."""
        x = pool_image(fire_image(x, self.conv1, self.bn1, self.sn1), self.maxpool)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return x.flatten(3).mean(dim=3)


def _stage(inputs: int, outputs: int, stride: int, neuron: Neuron) -> nn.Sequential:
    widths = [inputs] + [outputs] * BLOCKS_PER_STAGE
    strides = [stride] + [1] * (BLOCKS_PER_STAGE - 1)
    return nn.Sequential(
        *(SewBlock(before, after, s, neuron) for before, after, s in zip(widths, widths[1:], strides, strict=False))
    )
