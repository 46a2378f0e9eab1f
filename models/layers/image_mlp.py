"""The spiking MLP of QKFormer and SNNergy: two 1 x 1 convolutions, each followed by a norm and neurons."""

from __future__ import annotations

import torch
from torch import nn

from models.layers.images import fire_image
from models.layers.neuron import lif


class ImageMlp(nn.Module):
    """`LIF(BN(W2 LIF(BN(W1 x))))` for every pixel by itself. Attribute names are those of QKFormer's checkpoints."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.mlp1_conv, self.mlp1_bn, self.mlp1_lif = nn.Conv2d(width, hidden, 1), nn.BatchNorm2d(hidden), lif()
        self.mlp2_conv, self.mlp2_bn, self.mlp2_lif = nn.Conv2d(hidden, width, 1), nn.BatchNorm2d(width), lif()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, C, H, W) -> spikes (T, B, C, H, W)."""
        hidden = fire_image(x, self.mlp1_conv, self.mlp1_bn, self.mlp1_lif)
        return fire_image(hidden, self.mlp2_conv, self.mlp2_bn, self.mlp2_lif)
