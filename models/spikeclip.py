"""
SpikeCLIP, zero-shot image classification (Lv et al., arXiv 2310.06488): the model file.

Parts: `image`, the encoder that is deployed, and `text`, which makes the label matrix beforehand
(`models.networks.spikeclip.zero_shot`). The `published` configurations are Spikingformer-4-384 with CLIP's embeddings;
`-spike` pools spikes where the published code pools currents.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from models.layers.firing import set_firing_rates
from models.networks.spikeclip import checkpoints
from models.networks.spikeclip.config import SpikeClipConfig
from models.networks.spikeclip.parts import initial_parts, random_inputs
from models.retrieval.emoji_task import EmojiTask, example_pairs
from models.retrieval.emoji_training import VOCABULARY, emoji_fine_tuning, emoji_training
from models.training.model_page import config_named, trained_weights
from models.training.stage import Training

SEED = 42

_EMOJI = SpikeClipConfig(D=48, heads=2, E=64, vocabulary=VOCABULARY, positions=20, pool="spike")
_PUBLISHED = SpikeClipConfig(D=384, heads=8, E=512, vocabulary=49408, positions=77)

CONFIGS: dict[str, SpikeClipConfig] = {
    "emoji-styles": _EMOJI,
    "emoji-styles-analog": replace(_EMOJI, pool="analog"),
    "emoji-styles-transformer": replace(_EMOJI, text="transformer"),
    "published": _PUBLISHED,
    "published-spike": replace(_PUBLISHED, pool="spike"),
}
"""Configurations by name; the first is the default."""

STATIC_INPUTS = ("images", "tokens")
"""Inputs without a time axis: (B, 3, H, W) in [0, 1], and token ids (B, words)."""
ENERGY_TABLE = "spikeclip"
"""The paper's formula, which the energy report follows."""


def build(config: str) -> dict[str, nn.Module]:
    """
    The parts of `config` in eval mode, with random weights (seeded, always the same) with which the neurons fire.

    Training starts from the published initialisation instead (`models.networks.spikeclip.parts.initial_parts`).

    Raises:
        ValueError: for a name that is not in `CONFIGS`.
    """
    parts = initial_parts(config_named(CONFIGS, config, "SpikeCLIP"), SEED)
    inputs = random_inputs(CONFIGS[config], samples=2, seed=SEED)
    for name, part in parts.items():
        set_firing_rates(part, inputs[name])
    return parts


def weights(config: str) -> Path | None:
    """The trained weights that come with the repository, or None."""
    config_named(CONFIGS, config, "SpikeCLIP")
    return trained_weights("spikeclip", config)


def load_weights(parts: dict[str, nn.Module], path: Path) -> None:
    """
    Load our own or a published checkpoint into `parts` (see `models.networks.spikeclip.checkpoints`).

    Raises:
        ValueError: if the file does not fit the parts.
    """
    checkpoints.load(parts, path)


def example(config: str, samples: int, seed: int) -> dict[str, dict[str, torch.Tensor]]:
    """
    Inputs for every part: `{"image": {"images": (samples, 3, H, W)}, "text": {"tokens": (samples, words)}}`.

    Training images with their captions; of `published`, random ones.

    Raises:
        ValueError: for a name that is not in `CONFIGS`, or more samples than there are training images.
    """
    if not _on_emoji(config):
        return random_inputs(CONFIGS[config], samples, seed)
    images, tokens = example_pairs(samples, seed)
    return {"image": {"images": images}, "text": {"tokens": tokens}}


def task(config: str) -> EmojiTask | None:
    """
    Data and metrics of `config`, or None where they are no emoji.

    Raises:
        ValueError: for a name that is not in `CONFIGS`.
    """
    return EmojiTask() if _on_emoji(config) else None


def training(config: SpikeClipConfig, seed: int, epochs: int | None = None) -> Training:
    """
    What `python -m models.train` does with a configuration.

    Raises:
        ValueError: for sizes that do not fit the emoji, the only training data here.
    """
    return emoji_training(config, seed, epochs)


def fine_tuning(config: SpikeClipConfig, seed: int, weights: Path) -> Training:
    """
    What `python -m models.train --quantized` does with trained weights: they are the teacher, as the first one is not kept.

    Raises:
        ValueError: for sizes that do not fit the emoji, or weights that do not fit the network.
        FileNotFoundError: if there are no such weights.
    """
    return emoji_fine_tuning(config, seed, weights)


def _on_emoji(config: str) -> bool:
    return config_named(CONFIGS, config, "SpikeCLIP").vocabulary == VOCABULARY
