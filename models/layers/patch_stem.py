"""
The patch stem of Spikingformer: five convolutions from an image to a stream of currents with a quarter of its sides.

The first convolution sees pixels, the others spikes; the last ends in currents. Attribute names are those of SpikeCLIP's
published checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from models.layers.images import convolution, convolve, fire_image, pool_orders
from models.layers.neuron import lif

POOL_ORDERS = pool_orders(of_currents="analog")
"""
`analog`: neurons behind the pool get the largest current of a window, as SpikeCLIP's code does. `spike`: neurons in front of the
pool, which is then an OR, as in Spikingformer. Both have the same parameters; from the second step on their spikes differ.
"""


class PatchStem(nn.Module):
    """Channels D/8, D/4, D/2, D, D; maximum pools (3 x 3, stride 2) behind the third and fourth convolution."""

    def __init__(self, channels: int, width: int, pool: str, neuron: Callable[[], nn.Module] = lif) -> None:
        super().__init__()
        self.pool = pool
        self.block0_conv, self.block0_bn = convolution(channels, width // 8)
        self.block1_lif = neuron()
        self.block1_conv, self.block1_bn = convolution(width // 8, width // 4)
        self.block2_lif = neuron()
        self.block2_conv, self.block2_bn = convolution(width // 4, width // 2)
        self.block3_mp, self.block3_lif = nn.MaxPool2d(3, stride=2, padding=1), neuron()
        self.block3_conv, self.block3_bn = convolution(width // 2, width)
        self.block4_mp, self.block4_lif = nn.MaxPool2d(3, stride=2, padding=1), neuron()
        self.block4_conv, self.block4_bn = convolution(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images (T, B, channels, H, W) -> currents (T, B, D, H / 4, W / 4)."""
        pooled = POOL_ORDERS[self.pool]
        x = fire_image(x, self.block0_conv, self.block0_bn, self.block1_lif)
        x = fire_image(x, self.block1_conv, self.block1_bn, self.block2_lif)
        x = pooled(convolve(x, self.block2_conv, self.block2_bn), self.block3_mp, self.block3_lif)
        x = pooled(convolve(x, self.block3_conv, self.block3_bn), self.block4_mp, self.block4_lif)
        return convolve(x, self.block4_conv, self.block4_bn)
