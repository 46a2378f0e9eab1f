"""
TAAF-SNN, audio-visual classification that keeps one modality from drowning the other (arXiv 2505.14535): the model file.

One network with two inputs, `video` and `audio`, (steps, B, channels, height, width) with steps of their own. No published code
exists; what the paper leaves open is decided, and marked as ours, in `models.taaf_network`.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from models.layers.firing import set_firing_rates
from models.taaf_network.config import BranchSize, TaafConfig
from models.taaf_network.network import Taaf

SEED = 6174
RATE = 0.15
"""Spikes per neuron and step of random weights."""

_DIGITS = TaafConfig(
    video=BranchSize(4, 1, 16, 16), audio=BranchSize(4, 1, 32, 8), classes=10, width=8, kernel=3, stride=1
)
_PUBLISHED = TaafConfig(video=BranchSize(4, 3, 224, 224), audio=BranchSize(4, 1, 224, 224), classes=6)

CONFIGS: dict[str, TaafConfig] = {
    "av-digits": _DIGITS,
    "av-digits-sum": replace(_DIGITS, fusion="sum"),
    "av-digits-alpha": replace(_DIGITS, alpha_inference=True),
    "av-digits-two-rates": replace(_DIGITS, audio=BranchSize(8, 1, 32, 4)),
    "published": _PUBLISHED,
    "published-64": replace(_PUBLISHED, video=BranchSize(4, 3, 64, 64), audio=BranchSize(4, 1, 64, 64)),
}
"""Configurations by name; the first is the default. In `av-digits-two-rates` audio has twice as many steps as video."""

BATCH_FIRST = False


def build(config: str) -> nn.Module:
    """
    The network of `config` in eval mode, with random weights (seeded, always the same) with which its neurons fire.

    Raises:
        ValueError: for a name that is not in `CONFIGS`.
    """
    network = initial_network(_config_named(config), SEED)
    set_firing_rates(network, random_clips(CONFIGS[config], samples=2, seed=SEED), rate=RATE)
    return network


def initial_network(config: TaafConfig, seed: int) -> Taaf:
    """The network before training, in eval mode; torch's global seed is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Taaf(config).eval()


def example(config: str, samples: int, seed: int) -> dict[str, torch.Tensor]:
    """
    Inputs by name, (steps, samples, channels, height, width).

    Raises:
        ValueError: for a name that is not in `CONFIGS`.
    """
    return random_clips(_config_named(config), samples, seed)


def random_clips(config: TaafConfig, samples: int, seed: int) -> dict[str, torch.Tensor]:
    """Noisy frames around a fixed image, and chunks of a spectrogram: values in 0..1, seeded."""
    rng = torch.Generator().manual_seed(seed)
    still = torch.rand(1, samples, *config.video.shape, generator=rng)
    frames = torch.randn(config.video.steps, samples, *config.video.shape, generator=rng)
    chunks = torch.rand(config.audio.steps, samples, *config.audio.shape, generator=rng)
    return {"video": (still + 0.2 * frames).clamp(0, 1), "audio": chunks}


def _config_named(config: str) -> TaafConfig:
    if config not in CONFIGS:
        raise ValueError(f"no configuration {config!r} of TAAF; there are {', '.join(CONFIGS)}")
    return CONFIGS[config]
