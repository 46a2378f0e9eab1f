"""
Attentions on spikes: Q (K^T V) with several heads, and the comb attention, which only masks keys.

Attribute names are those of CMSF's published checkpoints.
"""

from __future__ import annotations

import torch
from torch import nn

from models.layers.neuron import fire, lif

SCALE = 0.125
"""Published factor on the integer product, whatever the width of a head."""


class SpikeAttention(nn.Module):
    """
    `LIF(Q (K^T V) / 8)` on spikes, several heads, then Linear, BN, LIF.

    Self attention when `query` and `memory` are the same tokens, SCA when they are two modalities.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_linear, self.q_bn, self.q_lif = nn.Linear(width, width), nn.BatchNorm1d(width), lif()
        self.k_linear, self.k_bn, self.k_lif = nn.Linear(width, width), nn.BatchNorm1d(width), lif()
        self.v_linear, self.v_bn, self.v_lif = nn.Linear(width, width), nn.BatchNorm1d(width), lif()
        self.attn_lif = lif(threshold=0.5)
        self.proj_linear, self.proj_bn = nn.Linear(width, width), nn.BatchNorm1d(width)
        self.proj_lif = lif()

    def forward(self, query: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """(T, B, Lq, D), (T, B, Lk, D) -> spikes (T, B, Lq, D)."""
        q = self._split_heads(fire(query, self.q_linear, self.q_bn, self.q_lif))
        k = self._split_heads(fire(memory, self.k_linear, self.k_bn, self.k_lif))
        v = self._split_heads(fire(memory, self.v_linear, self.v_bn, self.v_lif))
        pooled = k.transpose(-2, -1) @ v
        mixed = (q @ pooled) * SCALE
        merged = mixed.transpose(2, 3).flatten(3, 4).contiguous()
        return fire(self.attn_lif(merged), self.proj_linear, self.proj_bn, self.proj_lif)

    def _split_heads(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, L, D) -> (T, B, heads, L, D / heads); a head is a run of channels."""
        steps, batch, tokens, width = x.shape
        split = x.reshape(steps, batch, tokens, self.heads, width // self.heads)
        return split.permute(0, 1, 3, 2, 4).contiguous()


class CombAttention(nn.Module):
    """
    SCCA: comb c of the query (L / h tokens, ORed per channel) masks the key tokens of comb c.

    With `interleave`, as published, output token j*h + c is key token c*L/h + j; without, tokens
    keep their places.
    """

    def __init__(self, width: int, combs: int, interleave: bool) -> None:
        super().__init__()
        self.combs = combs
        self.interleave = interleave
        self.q_linear, self.q_bn, self.q_lif = nn.Linear(width, width), nn.BatchNorm1d(width), lif()
        self.k_linear, self.k_bn, self.k_lif = nn.Linear(width, width), nn.BatchNorm1d(width), lif()
        self.attn_lif = lif(threshold=0.5)
        self.proj_linear, self.proj_bn = nn.Linear(width, width), nn.BatchNorm1d(width)
        self.proj_lif = lif()

    def forward(self, query: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """(T, B, L, D) twice -> spikes (T, B, L, D)."""
        q = self._split_combs(fire(query, self.q_linear, self.q_bn, self.q_lif))
        k = self._split_combs(fire(memory, self.k_linear, self.k_bn, self.k_lif))
        mask = self.attn_lif(torch.sum(q, dim=3, keepdim=True))
        masked = torch.mul(mask, k)
        if self.interleave:
            masked = masked.transpose(2, 3)
        tokens = masked.flatten(2, 3).contiguous()
        return fire(tokens, self.proj_linear, self.proj_bn, self.proj_lif)

    def _split_combs(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, L, D) -> (T, B, h, L / h, D); a comb is a run of tokens."""
        steps, batch, tokens, width = x.shape
        return x.reshape(steps, batch, self.combs, tokens // self.combs, width).contiguous()
