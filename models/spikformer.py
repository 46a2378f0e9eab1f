"""
Spikformer, an image classifier (Zhou et al., ICLR 2023, arXiv 2209.15425): a model file that is one file.

Everything comes from `models.layers`; only the order of things is here. Neurons stand behind every norm, so that residual sums
are sums of spikes, and maximum pools are ORs. `emoji-groups` has one class per group of emoji; `published` is Spikformer-4-384
for CIFAR-10.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from spikingjelly.activation_based import functional
from torch import nn

from models.layers.attention import SpikeAttention
from models.layers.firing import set_firing_rates
from models.layers.images import fire_image, pool_image, tokens
from models.layers.neuron import lif, truncated_normal_init
from models.layers.spike_mlp import SpikeMlp

SEED = 42
PIXELS = 32
STATIC_INPUTS = ("images",)
"""Inputs without a time axis: (B, 3, 32, 32), in [0, 1]."""


@dataclass(frozen=True)
class SpikformerConfig:
    """Sizes of one Spikformer."""

    D: int
    """Width of a token."""
    heads: int
    classes: int
    depth: int = 4
    """Blocks."""
    T: int = 4
    """Time steps per sample."""


CONFIGS: dict[str, SpikformerConfig] = {
    "emoji-groups": SpikformerConfig(D=64, heads=2, classes=8),
    "published": SpikformerConfig(D=384, heads=12, classes=10),
}
"""Configurations by name; the first is the default."""


class SpikeConvolution(nn.Module):
    """3 x 3 convolution, norm, neurons; the image keeps its size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
        self.lif = lif()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, C, H, W) -> spikes (T, B, C', H, W)."""
        return fire_image(x, self.conv, self.bn, self.lif)


class SpikformerBlock(nn.Module):
    """`x1 = x + attention(x)`, `x2 = x1 + mlp(x1)`, sums of spikes."""

    def __init__(self, config: SpikformerConfig) -> None:
        super().__init__()
        self.attn = SpikeAttention(config.D, config.heads)
        self.mlp = SpikeMlp(config.D, 4 * config.D)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, N, D) -> (T, B, N, D)."""
        x = x + self.attn(x, x)
        return x + self.mlp(x)


class Spikformer(nn.Module):
    """Four convolutions with two pools, positions from a fifth one, blocks, mean over time and tokens, linear."""

    def __init__(self, config: SpikformerConfig) -> None:
        super().__init__()
        self.steps = config.T
        widths = (3, config.D // 8, config.D // 4, config.D // 2, config.D)
        self.stem = nn.ModuleList(SpikeConvolution(a, b) for a, b in pairwise(widths))
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.positions = SpikeConvolution(config.D, config.D)
        self.block = nn.ModuleList(SpikformerBlock(config) for _ in range(config.depth))
        self.head = nn.Linear(config.D, config.classes)
        self.apply(truncated_normal_init)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, 32, 32) -> scores (B, classes)."""
        functional.reset_net(self)
        x = images.unsqueeze(0).repeat(self.steps, 1, 1, 1, 1)
        for place, convolution in enumerate(self.stem):
            x = convolution(x)
            x = pool_image(x, self.pool) if place >= 2 else x
        x = tokens(self.positions(x) + x)
        for block in self.block:
            x = block(x)
        return self.head(x.mean(2).mean(0))


def build(config: str) -> nn.Module:
    """
    The network in eval mode, with random weights (seeded, always the same) with which the neurons fire.

    Raises:
        ValueError: for a name that is not in `CONFIGS`.
    """
    if config not in CONFIGS:
        raise ValueError(f"no configuration {config!r} of Spikformer; there are {', '.join(CONFIGS)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        network = Spikformer(CONFIGS[config]).eval()
    set_firing_rates(network, example(config, samples=2, seed=SEED))
    return network


def example(config: str, samples: int, seed: int) -> dict[str, torch.Tensor]:
    """Random images: `{"images": (samples, 3, 32, 32)}`."""
    rng = torch.Generator().manual_seed(seed)
    return {"images": torch.rand(samples, 3, PIXELS, PIXELS, generator=rng)}
