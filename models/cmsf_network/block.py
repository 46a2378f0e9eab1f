"""
The block both encoders and the fusion are made of: attention, then the spike gated MLP.

Residual sums are sums of spikes: the block's input x in {0..r} leaves as {0..r+2}.
"""

from __future__ import annotations

import torch
from torch import nn

from models.cmsf_network.config import Config
from models.layers.attention import CombAttention, SpikeAttention
from models.layers.neuron import drive, fire, lif


class GatedMLP(nn.Module):
    """`LIF(BN(W_out (g * LIF(BN(v)))))` with `(v, g) = W_hidden x`; the gate g stays analog."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.to_hidden_linear = nn.Linear(width, 2 * hidden)
        self.to_hidden_v_bn, self.to_hidden_v_lif = nn.BatchNorm1d(hidden), lif()
        self.to_out, self.to_bn, self.to_lif = (
            nn.Linear(hidden, width),
            nn.BatchNorm1d(width),
            lif(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, L, D) -> spikes (T, B, L, D)."""
        v, gate = self.to_hidden_linear(x.flatten(0, 1)).chunk(2, dim=-1)
        v = drive(v, self.to_hidden_v_bn, self.to_hidden_v_lif, x).flatten(0, 1)
        return drive(self.to_out(torch.mul(gate, v)), self.to_bn, self.to_lif, x)


class SpikeGatedMLP(nn.Module):
    """The same with BN and LIF on the gate: the product of two spikes is an AND."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.to_hidden_linear = nn.Linear(width, 2 * hidden)
        self.to_hidden_v_bn, self.to_hidden_v_lif = nn.BatchNorm1d(hidden), lif()
        self.to_hidden_gate_bn, self.to_hidden_gate_lif = nn.BatchNorm1d(hidden), lif()
        self.to_out, self.to_bn, self.to_lif = (
            nn.Linear(hidden, width),
            nn.BatchNorm1d(width),
            lif(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, L, D) -> spikes (T, B, L, D)."""
        v, gate = self.to_hidden_linear(x.flatten(0, 1)).chunk(2, dim=-1)
        v = drive(v, self.to_hidden_v_bn, self.to_hidden_v_lif, x)
        gate = drive(gate, self.to_hidden_gate_bn, self.to_hidden_gate_lif, x)
        return fire(torch.mul(gate, v), self.to_out, self.to_bn, self.to_lif)


class Block(nn.Module):
    """`x1 = x + attention(x, y)`, `x2 = x1 + mlp(x1)`."""

    def __init__(self, attention: nn.Module, config: Config) -> None:
        super().__init__()
        self.attn = attention
        mlp = GatedMLP if config.gate == "analog" else SpikeGatedMLP
        self.mlp = mlp(config.D, config.F)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Queries `x` (T, B, Lq, D), keys from `y` (T, B, Lk, D) -> (T, B, Lq, D)."""
        x = x + self.attn(x, y)
        return x + self.mlp(x)


def attention_block(config: Config) -> Block:
    """A block with spike attention (encoders, SCA and SCSA)."""
    return Block(SpikeAttention(config.D, config.heads), config)


def comb_block(config: Config) -> Block:
    """A block with spike comb cross attention (SCCA)."""
    return Block(CombAttention(config.D, config.combs, config.interleave), config)
