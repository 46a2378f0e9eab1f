"""
Gated MLPs on spikes: two halves of one projection, the value through a neuron, multiplied by the gate.

Attribute names are those of CMSF's published checkpoints.
"""

from __future__ import annotations

import torch
from torch import nn

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
