"""
Masks of Q-K attention (QKFormer, arXiv 2403.16552): what a query fires for opens or closes whole tokens, or whole channels, of
the key.

Tokens are the pixels of an image; all tensors are (T, B, C, N) inside and (T, B, C, H, W) outside. A head is a run of C / h
channels. Attribute names are those of QKFormer's published checkpoints.

The published masks have threshold 0.5: on sums of spikes that is an OR, without memory. SNNergy's text says 0.6, with which one
spike alone fires only after another one a step or two before.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from models.layers.images import fire_image
from models.layers.neuron import lif

Pooled = Literal["channels", "tokens"]
AXES: dict[Pooled, int] = {"channels": 3, "tokens": 4}
"""What a mask adds up -> the axis of it in (T, B, heads, C / heads, N)."""


def projection(width: int) -> tuple[nn.Conv1d, nn.BatchNorm1d]:
    """A linear map of tokens (1 x 1, without bias: the norm has one) and its norm."""
    return nn.Conv1d(width, width, 1, bias=False), nn.BatchNorm1d(width)


def split_heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    """(T, B, C, N) -> (T, B, heads, C / heads, N); a head is a run of channels."""
    steps, batch, width, tokens = x.shape
    return x.reshape(steps, batch, heads, width // heads, tokens)


class _Queries(nn.Module):
    """What fires the mask."""

    def __init__(self, width: int, heads: int, threshold: float, pooled: Pooled = "channels") -> None:
        super().__init__()
        self.heads = heads
        self.axis = AXES[pooled]
        self.q_conv, self.q_bn = projection(width)
        self.q_lif = lif()
        self.attn_lif = lif(threshold)

    def mask(self, query: torch.Tensor) -> torch.Tensor:
        """(T, B, C, N) -> spikes (T, B, heads, 1, N), or (T, B, heads, C / heads, 1)."""
        spikes = split_heads(fire_image(query, self.q_conv, self.q_bn, self.q_lif), self.heads)
        return self.attn_lif(torch.sum(spikes, dim=self.axis, keepdim=True))


class QueryMask(_Queries):
    """`LIF(sum of LIF(BN(W_q x)))`: one spike per head and token (sum over channels), or per channel (sum over tokens)."""

    def forward(self, query: torch.Tensor) -> torch.Tensor:
        """(T, B, C, N) -> spikes (T, B, heads, 1, N), or (T, B, heads, C / heads, 1)."""
        return self.mask(query)


class MaskedKeys(_Queries):
    """`M * LIF(BN(W_k y))`: keys of `memory` where the mask of `query` is open."""

    def __init__(self, width: int, heads: int, threshold: float, pooled: Pooled = "channels") -> None:
        super().__init__(width, heads, threshold, pooled)
        self.k_conv, self.k_bn = projection(width)
        self.k_lif = lif()

    def forward(self, query: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """(T, B, C, N) twice -> spikes (T, B, C, N)."""
        keys = split_heads(fire_image(memory, self.k_conv, self.k_bn, self.k_lif), self.heads)
        return torch.mul(self.mask(query), keys).flatten(2, 3)


class MaskAttention(MaskedKeys):
    """
    Q-K attention as QKFormer has it: masked keys, then Linear, BN, LIF.

    `pooled="channels"` is token attention, `pooled="tokens"` channel attention; the public code has the first only, the second
    follows the paper's text. Self attention where `query` and `memory` are the same image.
    """

    def __init__(self, width: int, heads: int, threshold: float = 0.5, pooled: Pooled = "channels") -> None:
        super().__init__(width, heads, threshold, pooled)
        self.proj_conv, self.proj_bn, self.proj_lif = nn.Conv1d(width, width, 1), nn.BatchNorm1d(width), lif()

    def forward(self, query: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """(T, B, C, H, W) twice, of as many pixels -> spikes shaped as `query`."""
        masked = super().forward(query.flatten(3), memory.flatten(3))
        return fire_image(masked, self.proj_conv, self.proj_bn, self.proj_lif).reshape(query.shape)
