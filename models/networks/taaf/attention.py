"""TAAF's temporal attention head: how much each time step matters. Training needs it; inference only as an option."""

from __future__ import annotations

import torch
from torch import nn


class TemporalImportance(nn.Module):
    """
    `alpha[t] = mean over s of softmax_t(q[s] . k[t] / sqrt(C))`, with q = f W_q and k = f W_k for features f of every step.

    C is the width of queries and keys, the number of classes. The mean is over queries, so that alpha adds up to 1; a mean over
    the axis of the softmax would be 1 / T whatever f is.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.query = nn.Linear(features, classes, bias=False)
        self.key = nn.Linear(features, classes, bias=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(T, B, features) -> alpha (T, B)."""
        q, k = self.query(features).transpose(0, 1), self.key(features).transpose(0, 1)
        similarity = torch.matmul(q, k.transpose(1, 2)) / q.shape[-1] ** 0.5
        return torch.softmax(similarity, dim=-1).mean(dim=1).transpose(0, 1)
