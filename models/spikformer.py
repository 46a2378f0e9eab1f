"""
Spikformer, an image classifier (Zhou et al., ICLR 2023, arXiv 2209.15425): a model file that is one file.

Layers come from `models.layers`, data and training from where all models have them; only the order of things is here. Neurons
stand behind every norm, so that residual sums are sums of spikes, and maximum pools are ORs. `emoji-groups` has one class per
group of emoji; `published` is Spikformer-4-384 for CIFAR-10.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from spikingjelly.activation_based import functional
from torch import nn

from models.layers.attention import SpikeAttention
from models.layers.firing import set_firing_rates
from models.layers.images import convolution, fire_image, pool_image, tokens
from models.layers.neuron import lif, truncated_normal_init
from models.layers.spike_mlp import SpikeMlp
from models.retrieval.emoji_groups import EmojiGroupsTask, groups_training
from models.retrieval.emoji_task import example_pairs
from models.training.model_page import config_named, seeded, trained_weights
from models.training.sizes import require_positive
from models.training.stage import Training
from models.training.state_dicts import load_network

SEED = 42
GROUPS = 8
PIXELS = 32
STATIC_INPUTS = ("images",)
"""Inputs without a time axis: (B, 3, 32, 32), in [0, 1]."""


@dataclass(frozen=True)
class SpikformerConfig:
    """
    Sizes of one Spikformer.

    Raises:
        ValueError: for sizes that do not divide or are below 1.
    """

    D: int
    """Width of a token."""
    heads: int
    classes: int
    depth: int = 4
    """Blocks."""
    T: int = 4
    """Time steps per sample."""

    def __post_init__(self) -> None:
        require_positive(self, "D", "heads", "classes", "depth", "T")
        if self.D % self.heads or self.D % 8:
            raise ValueError(f"width D = {self.D} is not divisible by {self.heads} heads, or not by 8 for the stem")


CONFIGS: dict[str, SpikformerConfig] = {
    "emoji-groups": SpikformerConfig(D=32, heads=2, classes=GROUPS),
    "published": SpikformerConfig(D=384, heads=12, classes=10),
}
"""Configurations by name; the first is the default."""


class SpikeConvolution(nn.Module):
    """3 x 3 convolution, norm, neurons; the image keeps its size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv, self.bn = convolution(inputs, outputs)
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
        for place, layer in enumerate(self.stem):
            x = layer(x)
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
    network = _initial(config_named(CONFIGS, config, "Spikformer"), SEED)
    rng = torch.Generator().manual_seed(SEED)
    set_firing_rates(network, {"images": torch.rand(2, 3, PIXELS, PIXELS, generator=rng)})
    return network


def weights(config: str) -> Path | None:
    """The trained weights that come with the repository, a state dict, or None."""
    config_named(CONFIGS, config, "Spikformer")
    return trained_weights("spikformer", config)


def load_weights(parts: dict[str, nn.Module], path: Path) -> None:
    """
    Load a checkpoint of our own into the part `network`.

    Raises:
        ValueError: if the file does not fit the network.
    """
    load_network(parts["network"], path, "Spikformer")


def example(config: str, samples: int, seed: int) -> dict[str, torch.Tensor]:
    """
    Training images in an order by `seed`: `{"images": (samples, 3, 32, 32)}`.

    Raises:
        ValueError: for a name that is not in `CONFIGS`, or more samples than there are training images.
    """
    config_named(CONFIGS, config, "Spikformer")
    return {"images": example_pairs(samples, seed)[0]}


def task(config: str) -> EmojiGroupsTask | None:
    """Groups of emoji, or None for a configuration with other classes."""
    return EmojiGroupsTask() if config_named(CONFIGS, config, "Spikformer").classes == GROUPS else None


def training(config: SpikformerConfig, seed: int, epochs: int | None = None) -> Training:
    """
    What `python -m models.train` does with a configuration.

    Raises:
        ValueError: for other classes than the groups of emoji, the only training data here.
    """
    if config.classes != GROUPS:
        raise ValueError(f"there are {GROUPS} groups of emoji to train on, not {config.classes} classes")
    return groups_training(_initial(config, seed), epochs)


def _initial(config: SpikformerConfig, seed: int) -> nn.Module:
    return seeded(lambda: Spikformer(config), seed).eval()
