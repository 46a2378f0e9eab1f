"""
SNNergy, audio-visual classification by cross-modal Q-K attention (arXiv 2602.00701): the model file.

One network with two inputs, `video` and `audio`, both with time: (T, B, channels, height, width). No published code exists; what
the paper leaves open is decided, and marked as ours, in `models.networks.snnergy`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from models.layers.firing import set_firing_rates
from models.networks.snnergy.checkpoints import refuse_published
from models.networks.snnergy.config import FUSIONS, InputSize, SnnergyConfig
from models.networks.snnergy.network import Snnergy
from models.training.audio_visual.digit_clips import DigitClips, fits_digits, random_clips, require_digits
from models.training.audio_visual.digits_task import audio_visual_task
from models.training.classification.samples import example_samples
from models.training.classification.task import ClassificationTask
from models.training.classification.training import classification_training, plain_losses, plain_metrics
from models.training.model_page import config_named, seeded, trained_weights
from models.training.stage import Training
from models.training.state_dicts import load_network

SEED = 6174
EPOCHS = 24
RATE = 0.2
"""Spikes per neuron and step of random weights: below it, products of three spikes in a small attention hardly ever are 1."""

_DIGITS = SnnergyConfig(
    width=16, heads=2, classes=10, video=InputSize(1, 16, 16, stem_stride=1), audio=InputSize(1, 32, 32)
)
_PUBLISHED = SnnergyConfig(width=192, heads=8, classes=6, video=InputSize(3, 128, 128), audio=InputSize(1, 128, 128))

CONFIGS: dict[str, SnnergyConfig] = {
    "av-digits": _DIGITS,
    **{f"av-digits-{fusion}": replace(_DIGITS, fusion=fusion) for fusion in FUSIONS if fusion != _DIGITS.fusion},
    "av-digits-spike-pool": replace(_DIGITS, pool="spike"),
    "av-digits-sum-neuron": replace(_DIGITS, sum_neuron=True),
    "published-192": _PUBLISHED,
    "published-96": replace(_PUBLISHED, width=96),
    "published-192-spike-pool": replace(_PUBLISHED, pool="spike"),
    "published-96-spike-pool": replace(_PUBLISHED, width=96, pool="spike"),
}
"""
Configurations by name; the first is the default. `published-192` is the paper's network for CREMA-D, `published-96` the one for
AVE and UrbanSound8K-AV (with CREMA-D's six classes, as its totals are stated).
"""

BATCH_FIRST = False
ENERGY_TABLE = "snnergy"
"""The formula that the energy report follows; the paper states none."""


def build(config: str) -> nn.Module:
    """
    The network of `config` in eval mode, with random weights (seeded, always the same) with which its neurons fire.

    Raises:
        ValueError: for a name that is not in `CONFIGS`.
    """
    network = initial_network(config_named(CONFIGS, config, "SNNergy"), SEED)
    set_firing_rates(network, example(config, samples=2, seed=SEED), rate=RATE)
    return network


def initial_network(config: SnnergyConfig, seed: int) -> Snnergy:
    """The network before training, in eval mode; torch's global seed is untouched."""
    return seeded(lambda: Snnergy(config), seed).eval()


def weights(config: str) -> Path | None:
    """The trained weights that come with the repository, or None."""
    config_named(CONFIGS, config, "SNNergy")
    return trained_weights("snnergy", config)


def load_weights(parts: dict[str, nn.Module], path: Path) -> None:
    """
    Load a checkpoint of our own into the part `network`.

    Raises:
        ValueError: if the file does not fit the network.
    """
    load_network(parts["network"], path, "SNNergy", refuse_published)


def example(config: str, samples: int, seed: int) -> dict[str, torch.Tensor]:
    """
    Inputs by name, (T, samples, channels, height, width): clips of the dev split, or random ones of published size.

    Raises:
        ValueError: for a name that is not in `CONFIGS`, or more samples than there are dev clips.
    """
    own = config_named(CONFIGS, config, "SNNergy")
    if fits_digits(own.classes, own.video.shape, own.audio.shape):
        return example_samples(digit_clips(own), samples, seed)
    return random_clips((own.T, own.video.shape), (own.T, own.audio.shape), samples, seed)


def task(config: str) -> ClassificationTask | None:
    """
    Data and metrics of `config`, or None (for published sizes).

    Raises:
        ValueError: for a name that is not in `CONFIGS`.
    """
    own = config_named(CONFIGS, config, "SNNergy")
    return audio_visual_task(digit_clips(own)) if fits_digits(own.classes, own.video.shape, own.audio.shape) else None


def training(config: SnnergyConfig, seed: int, epochs: int | None = None) -> Training:
    """
    What `python -m models.train` does with a configuration: cross entropy on the audio-visual digits.

    Raises:
        ValueError: for sizes that do not fit the digits, the only training data here.
    """
    clips, network = digit_clips(config), initial_network(config, seed)
    return classification_training(
        network, clips, epochs or EPOCHS, partial(plain_losses, network), partial(plain_metrics, network)
    )


def digit_clips(config: SnnergyConfig) -> DigitClips:
    """
    The audio-visual digits in the form of a configuration.

    Raises:
        ValueError: for sizes or settings that do not fit them.
    """
    require_digits(config.classes, config.video.shape, config.audio.shape)
    return DigitClips(config.T, config.T, config.audio.width, config.setting, config.modality)
