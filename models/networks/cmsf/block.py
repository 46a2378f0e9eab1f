"""
The block that both encoders and the fusion are made of: attention, then the spike gated MLP.

Residual sums are sums of spikes: the block's input x in {0..r} leaves as {0..r+2}.
"""

from __future__ import annotations

import torch
from torch import nn

from models.layers.attention import CombAttention, SpikeAttention
from models.layers.gated_mlp import GatedMLP, SpikeGatedMLP
from models.networks.cmsf.config import CmsfConfig


class CmsfBlock(nn.Module):
    """`x1 = x + attention(x, y)`, `x2 = x1 + mlp(x1)`."""

    def __init__(self, attention: nn.Module, config: CmsfConfig) -> None:
        super().__init__()
        self.attn = attention
        mlp = GatedMLP if config.gate == "analog" else SpikeGatedMLP
        self.mlp = mlp(config.D, config.F)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Queries `x` (T, B, Lq, D), keys from `y` (T, B, Lk, D) -> (T, B, Lq, D)."""
        x = x + self.attn(x, y)
        return x + self.mlp(x)


def attention_block(config: CmsfConfig) -> CmsfBlock:
    """A block with spike attention (encoders, SCA and SCSA)."""
    return CmsfBlock(SpikeAttention(config.D, config.heads), config)


def comb_block(config: CmsfConfig) -> CmsfBlock:
    """A block with spike comb cross attention (SCCA)."""
    return CmsfBlock(CombAttention(config.D, config.combs, config.interleave), config)
