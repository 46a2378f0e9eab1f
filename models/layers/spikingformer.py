"""
Spikingformer's layers (Zhou et al., arXiv 2304.11954): neurons first, then convolution and norm, on a stream of currents.

Each layer ends in currents, which are added to the stream; the neurons of the next layer see the sum of all layers before
them. All tensors are (T, B, C, H, W), and pixels are the tokens of the attention. Attribute names are those of SpikeCLIP's
published checkpoints.
"""

from __future__ import annotations

import torch
from torch import nn

from models.layers.attention import SCALE
from models.layers.image_attention import HeadProjections, attend, merge_heads
from models.layers.images import convolve
from models.layers.neuron import lif


class SpikingformerAttention(HeadProjections):
    """`BN(conv(LIF((Q K^T) V / 8)))` on the spikes of the stream, several heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads)
        self.proj_lif = lif()
        self.attn_lif = lif(threshold=0.5)
        self.proj_conv, self.proj_bn = nn.Conv1d(width, width, 1), nn.BatchNorm1d(width)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        """Currents (T, B, C, H, W) -> currents (T, B, C, H, W)."""
        spikes = self.proj_lif(stream).flatten(3)
        mixed = self.attn_lif(merge_heads(attend(*self.by_head(spikes, spikes)) * SCALE))
        return convolve(mixed, self.proj_conv, self.proj_bn).unflatten(3, stream.shape[3:])


class SpikingformerMlp(nn.Module):
    """`BN(W2 LIF(BN(W1 LIF(x))))`, for every pixel by itself."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.mlp1_lif, self.mlp1_conv, self.mlp1_bn = lif(), nn.Conv2d(width, hidden, 1), nn.BatchNorm2d(hidden)
        self.mlp2_lif, self.mlp2_conv, self.mlp2_bn = lif(), nn.Conv2d(hidden, width, 1), nn.BatchNorm2d(width)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        """Currents (T, B, C, H, W) -> currents (T, B, C, H, W)."""
        hidden = convolve(self.mlp1_lif(stream), self.mlp1_conv, self.mlp1_bn)
        return convolve(self.mlp2_lif(hidden.contiguous()), self.mlp2_conv, self.mlp2_bn)


class SpikingformerBlock(nn.Module):
    """`x1 = x + attention(x)`, `x2 = x1 + mlp(x1)` on the stream of currents."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attn = SpikingformerAttention(width, heads)
        self.mlp = SpikingformerMlp(width, hidden)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        """(T, B, C, H, W) -> (T, B, C, H, W)."""
        stream = stream + self.attn(stream)
        return stream + self.mlp(stream)
