"""A neuron of SpikingJelly's as a published network derives it."""

from __future__ import annotations

import torch
from spikingjelly.clock_driven import neuron as old
from torch import nn


class DynamicThreshold(old.MultiStepLIFNode):
    """As in CMSF's published code: a learned threshold beside the fixed one."""

    def __init__(self, value: float, acts: bool) -> None:
        super().__init__()
        self.dynamic_threshold = nn.Parameter(torch.tensor(value))
        self.acts = acts

    def neuronal_fire(self) -> torch.Tensor:
        return self.surrogate_function(self.v - (self.dynamic_threshold if self.acts else 1.0))
