"""
TAAF-SNN, audio-visual classification that keeps one modality from drowning the other (arXiv 2505.14535): the model file.

One network with two inputs, `video` and `audio`, (steps, B, channels, height, width) with steps of their own. No published code
exists; what the paper leaves open is decided, and marked as ours, in `models.networks.taaf`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from models.layers.firing import set_firing_rates
from models.networks.taaf.config import BranchSize, TaafConfig
from models.networks.taaf.network import Taaf
from models.networks.taaf.training import taaf_losses, taaf_metrics
from models.training.audio_visual.digit_clips import DigitClips, fits_digits, random_clips, require_digits
from models.training.audio_visual.digits_task import audio_visual_task
from models.training.classification.samples import example_samples
from models.training.classification.task import ClassificationTask
from models.training.classification.training import classification_training
from models.training.model_page import config_named, seeded, trained_weights
from models.training.stage import Training
from models.training.state_dicts import load_network

SEED = 6174
EPOCHS = 30
RATE = 0.15
"""Spikes per neuron and step of random weights."""

_DIGITS = TaafConfig(
    video=BranchSize(4, 1, 16, 16),
    audio=BranchSize(4, 1, 32, 32),
    classes=10,
    width=16,
    stride=1,
    smoothing=0.1,
    normalised=True,
)
_PUBLISHED = TaafConfig(video=BranchSize(4, 3, 224, 224), audio=BranchSize(4, 1, 224, 224), classes=6)

CONFIGS: dict[str, TaafConfig] = {
    "av-digits": _DIGITS,
    "av-digits-sum": replace(_DIGITS, fusion="sum"),
    "av-digits-alpha": replace(_DIGITS, alpha_inference=True),
    "av-digits-two-rates": replace(_DIGITS, audio=BranchSize(8, 1, 32, 32)),
    "published": _PUBLISHED,
    "published-64": replace(_PUBLISHED, video=BranchSize(4, 3, 64, 64), audio=BranchSize(4, 1, 64, 64)),
}
"""Configurations by name; the first is the default. In `av-digits-two-rates` audio has twice as many steps as video."""

BATCH_FIRST = False
ENERGY_TABLE = "taaf"
"""The formula that the energy report follows; the paper states none."""


def build(config: str) -> nn.Module:
    """
    The network of `config` in eval mode, with random weights (seeded, always the same) with which its neurons fire.

    Raises:
        ValueError: for a name that is not in `CONFIGS`.
    """
    network = initial_network(config_named(CONFIGS, config, "TAAF"), SEED)
    set_firing_rates(network, example(config, samples=2, seed=SEED), rate=RATE)
    return network


def initial_network(config: TaafConfig, seed: int) -> Taaf:
    """The network before training, in eval mode; torch's global seed is untouched."""
    return seeded(lambda: Taaf(config), seed).eval()


def weights(config: str) -> Path | None:
    """The repository's trained weights, or None; `alpha_inference` is about inference alone, and has those without it."""
    own = config_named(CONFIGS, config, "TAAF")
    trained = next(name for name, each in CONFIGS.items() if each == replace(own, alpha_inference=False))
    return trained_weights("taaf", trained)


def load_weights(parts: dict[str, nn.Module], path: Path) -> None:
    """
    Load a checkpoint of our own into the part `network`.

    Raises:
        ValueError: if the file does not fit the network.
    """
    load_network(parts["network"], path, "TAAF")


def example(config: str, samples: int, seed: int) -> dict[str, torch.Tensor]:
    """
    Inputs by name, (steps, samples, channels, height, width): clips of the dev split, or random ones of published size.

    Raises:
        ValueError: for a name that is not in `CONFIGS`, or more samples than there are dev clips.
    """
    own = config_named(CONFIGS, config, "TAAF")
    if fits_digits(own.classes, own.video.shape, own.audio.shape):
        return example_samples(digit_clips(own), samples, seed)
    return random_clips((own.video.steps, own.video.shape), (own.audio.steps, own.audio.shape), samples, seed)


def task(config: str) -> ClassificationTask | None:
    """
    Data and metrics of `config`, or None (for published sizes).

    Raises:
        ValueError: for a name that is not in `CONFIGS`.
    """
    own = config_named(CONFIGS, config, "TAAF")
    return audio_visual_task(digit_clips(own)) if fits_digits(own.classes, own.video.shape, own.audio.shape) else None


def training(config: TaafConfig, seed: int, epochs: int | None = None) -> Training:
    """
    What `python -m models.train` does with a configuration: TAAF's losses on the audio-visual digits.

    Raises:
        ValueError: for sizes that do not fit the digits, the only training data here.
    """
    clips, network = digit_clips(config), initial_network(config, seed)
    losses, metrics = partial(taaf_losses, network, config), partial(taaf_metrics, network, config)
    return classification_training(network, clips, epochs or EPOCHS, losses, metrics)


def digit_clips(config: TaafConfig) -> DigitClips:
    """
    The audio-visual digits in the form of a configuration.

    Raises:
        ValueError: for sizes or settings that do not fit them.
    """
    require_digits(config.classes, config.video.shape, config.audio.shape)
    video, audio = config.video, config.audio
    return DigitClips(video.steps, audio.steps, audio.width, config.setting, config.modality, config.normalised)
