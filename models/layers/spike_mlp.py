"""An MLP on spikes whose neurons stand behind the norms, as Spikformer's and CMSF's: spikes in, spikes out."""

from __future__ import annotations

import torch
from torch import nn

from models.layers.neuron import fire, lif


class SpikeMlp(nn.Module):
    """`LIF(BN(W2 LIF(BN(W1 x))))`, for every token by itself."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1_linear, self.fc1_bn, self.fc1_lif = nn.Linear(width, hidden), nn.BatchNorm1d(hidden), lif()
        self.fc2_linear, self.fc2_bn, self.fc2_lif = nn.Linear(hidden, width), nn.BatchNorm1d(width), lif()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, L, D) -> spikes (T, B, L, D)."""
        hidden = fire(x, self.fc1_linear, self.fc1_bn, self.fc1_lif)
        return fire(hidden, self.fc2_linear, self.fc2_bn, self.fc2_lif)
