"""
Spike attentions Q (K^T V) whose tokens are the pixels of an image, or the steps of a pixel.

All tensors are (T, B, C, H, W), or (T, B, C, N) with flat pixels. Attribute names are those of the published checkpoints of
QKFormer (`ssa`) and S-CMRL (`spatial_attn`, `temporal_attn`).

Two published slips are not reproduced. QKFormer's last neurons run over steps and samples as one long sequence, so that a sample
starts with the membranes that the one before it left; here every sample starts at zero. S-CMRL asks for a threshold of 0.5, which
its neuron class does not read: it fires at 1.0, and so do these.
"""

from __future__ import annotations

import torch
from torch import nn

from models.layers.attention import SCALE
from models.layers.images import fire_image
from models.layers.masks import projection, split_heads
from models.layers.neuron import lif

CROSS_SCALE = 0.25
"""S-CMRL's factor on the integer product."""


class HeadProjections(nn.Module):
    """Queries of one image, keys and values of another (or of the same), as spikes by head: where these attentions begin."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_conv, self.q_bn = projection(width)
        self.k_conv, self.k_bn = projection(width)
        self.v_conv, self.v_bn = projection(width)
        self.q_lif, self.k_lif, self.v_lif = lif(), lif(), lif()

    def by_head(self, query: torch.Tensor, memory: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(T, B, C, N), (T, B, C, M) -> q (T, B, heads, N, C / heads), k and v (T, B, heads, M, C / heads)."""
        q = fire_image(query, self.q_conv, self.q_bn, self.q_lif)
        k = fire_image(memory, self.k_conv, self.k_bn, self.k_lif)
        v = fire_image(memory, self.v_conv, self.v_bn, self.v_lif)
        q, k, v = (split_heads(spikes, self.heads).transpose(-1, -2) for spikes in (q, k, v))
        return q, k, v


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """`(Q K^T) V`: integers (..., N, d) for spikes (..., N, d), (..., M, d), (..., M, d)."""
    return (q @ k.transpose(-2, -1)) @ v


def merge_heads(x: torch.Tensor) -> torch.Tensor:
    """(T, B, heads, N, C / heads) -> (T, B, C, N)."""
    return x.transpose(-1, -2).flatten(2, 3).contiguous()


class ImageAttention(HeadProjections):
    """QKFormer's spiking self attention: `LIF(BN(W LIF(Q (K^T V) / 8)))`; cross attention where `memory` is another image."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads)
        self.attn_lif = lif(threshold=0.5)
        self.proj_conv, self.proj_bn, self.proj_lif = nn.Conv1d(width, width, 1), nn.BatchNorm1d(width), lif()

    def forward(self, query: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """(T, B, C, H, W), (T, B, C, H', W') -> spikes shaped as `query`."""
        q, k, v = self.by_head(query.flatten(3), memory.flatten(3))
        mixed = self.attn_lif(merge_heads(attend(q, k, v) * SCALE))
        return fire_image(mixed, self.proj_conv, self.proj_bn, self.proj_lif).reshape(query.shape)


class _CrossAttention(HeadProjections):
    """What S-CMRL's two attentions share: no bias in the last projection, threshold 1."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads)
        self.attn_lif = lif()
        self.proj_conv, self.proj_bn = projection(width)
        self.proj_lif = lif()

    def project(self, mixed: torch.Tensor) -> torch.Tensor:
        """`LIF(BN(W LIF(x / 4)))`: (T, B, C, N) -> spikes (T, B, C, N)."""
        return fire_image(self.attn_lif(mixed * CROSS_SCALE), self.proj_conv, self.proj_bn, self.proj_lif)


class SpatialCrossAttention(_CrossAttention):
    """S-CMRL's spatial attention: pixels of `query` look at pixels of `memory`, step by step."""

    def forward(self, query: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """(T, B, C, N), (T, B, C, M) -> spikes (T, B, C, N)."""
        return self.project(merge_heads(attend(*self.by_head(query, memory))))


class TemporalCrossAttention(_CrossAttention):
    """
    S-CMRL's temporal attention: steps of a pixel look at all steps of the same pixel of `memory`, later ones too.

    As published, heads and steps are not swapped back before they are merged: with d = C / heads, output step t, channel c is
    head f // (T d), step (f // d) mod T, channel f mod d of the product, f = t C + c. So every step is made of all steps.
    """

    def forward(self, query: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """(T, B, C, N) twice -> spikes (T, B, C, N)."""
        steps, batch, width, tokens = query.shape
        q, k, v = (spikes.permute(3, 1, 2, 0, 4) for spikes in self.by_head(query, memory))
        mixed = attend(q, k, v).reshape(tokens, batch, steps, width)
        return self.project(mixed.permute(2, 1, 3, 0).contiguous())
