"""SpikeCLIP's image encoder: a Spikingformer with a read-out into the space of images and texts."""

from __future__ import annotations

import torch
from spikingjelly.activation_based import functional
from torch import nn

from models.layers.neuron import sum_over_time, truncated_normal_init
from models.layers.patch_stem import PatchStem
from models.layers.spikingformer import SpikingformerBlock
from models.networks.spikeclip.config import MLP_RATIO, SpikeClipConfig
from models.networks.spikeclip.step_weights import give_step_weights


class SpikeClipImageEncoder(nn.Module):
    """`proj(sum_t w_t mean_pixels x[t])`, x the stream of currents behind stem and blocks; the image is repeated T times."""

    weights_tensor: torch.Tensor
    """What a time step counts, (1, T, 1)."""

    def __init__(self, config: SpikeClipConfig) -> None:
        super().__init__()
        self.steps = config.T
        self.patch_embed = PatchStem(3, config.D, config.pool)
        self.block = nn.ModuleList(
            SpikingformerBlock(config.D, config.heads, MLP_RATIO * config.D) for _ in range(config.depth)
        )
        give_step_weights(self, config.time, config.T)
        self.proj = nn.Linear(config.D, config.E)
        self.apply(truncated_normal_init)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) -> features (B, E), of any length."""
        functional.reset_net(self)
        x = self.patch_embed(images.unsqueeze(0).repeat(self.steps, 1, 1, 1, 1))
        for block in self.block:
            x = block(x)
        return self.proj(sum_over_time(x.flatten(3).mean(3), self.weights_tensor))
