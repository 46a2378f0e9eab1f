"""
Branches of different T brought to one: a convolution over time, channel by channel, learnt, that starts as a mean.

TAAF-SNN names a "convolutional time alignment" and does not describe it; this reading is ours. It is causal: an output step sees
the input steps of its own span and those before.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import pad

TAPS = 3


class TemporalAlignment(nn.Module):
    """
    `y[t, c] = sum_j w[c, j] x[t r + r - 1 - j, c]`: `steps` input steps become `aligned`, r = steps / aligned.

    Where there are fewer inputs than outputs, each is repeated first (r = 1). At the start y is the mean of its r input steps:
    with as many steps as before, the identity. There are max(3, r) taps; steps before the first are zero.

    Raises:
        ValueError: if neither number of steps divides the other.
    """

    def __init__(self, width: int, steps: int, aligned: int) -> None:
        super().__init__()
        if steps % aligned and aligned % steps:
            raise ValueError(f"{steps} steps cannot be aligned with {aligned}: one must divide the other")
        self.repeats = max(1, aligned // steps)
        stride = max(1, steps // aligned)
        taps = max(TAPS, stride)
        self.padding = taps - stride
        self.conv = nn.Conv1d(width, width, taps, stride, groups=width, bias=False)
        with torch.no_grad():
            self.conv.weight.zero_()
            self.conv.weight[:, :, taps - stride :] = 1 / stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(steps, B, width) -> (aligned, B, width)."""
        if self.repeats > 1:
            x = x.repeat_interleave(self.repeats, dim=0)
        over_time = pad(x.permute(1, 2, 0), (self.padding, 0))
        return self.conv(over_time).permute(2, 0, 1)
