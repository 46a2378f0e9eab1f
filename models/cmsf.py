"""
CMSF, brain-inspired image-text retrieval (Zong et al., arXiv 2603.26787): the model file.

What a compiler or a script needs to know of a network: its configurations, its parts, their
weights, example inputs, and the task it is measured on. Parts: `image` and `text` encoders, which
run at retrieval time, and `fusion`, the teacher that runs in training only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from models.networks.cmsf import checkpoints
from models.networks.cmsf.config import CmsfConfig
from models.networks.cmsf.parts import fusion_inputs, initial_parts, random_features, set_firing_rates
from models.retrieval import digits_task
from models.retrieval.digits_task import DigitsTask
from models.retrieval.digits_training import digits_training
from models.retrieval.emoji_tokens import task as emoji_task
from models.retrieval.emoji_tokens.task import EmojiTokensTask
from models.retrieval.emoji_tokens.training import emoji_tokens_training
from models.training.model_page import config_named, trained_weights
from models.training.stage import Training

SEED = 6174

_DIGITS = CmsfConfig(N=12, L=12, D=64, F=256, region_features=72, word_features=64, heads=4, combs=4)
_EMOJI = CmsfConfig(N=16, L=16, D=64, F=256, region_features=72, word_features=64, heads=4, combs=4)

CONFIGS: dict[str, CmsfConfig] = {
    "digits": _DIGITS,
    "digits-spike": replace(_DIGITS, gate="spike"),
    "emoji": _EMOJI,
    "paper": CmsfConfig(N=36, L=36, D=1024, F=4096, region_features=2048, word_features=768, heads=8, combs=6),
}
"""Configurations by name; the first is the default."""

STATIC_INPUTS = (
    "regions",
    "words",
    "image_emb",
    "text_emb",
    "image_early",
    "text_early",
)
"""Inputs without a time axis: (B, tokens, features), the same at every step."""

ENERGY_TABLE = "cmsf"
"""The paper's energy table that stands beside the formula: Table 4 of the supplement."""

TRAINING_PARTS = ("fusion",)
"""The teacher: no retrieval runs it."""

GALLERIES = {"digits": 1000, "digits-spike": 1000, "emoji": 1260, "paper": 1000}
"""Configuration -> the images that a caption is searched among; of `paper`, the test images of Flickr30K."""


class _Data(NamedTuple):
    """A data set, for configurations of its sizes."""

    pairs: Callable[[int, int], tuple[torch.Tensor, torch.Tensor]]
    """(samples, seed) -> regions and words of test images, (samples, tokens, features) each."""
    task: type[DigitsTask] | type[EmojiTokensTask]
    training: Callable[[CmsfConfig, int, int | None], Training]


_DATA = {
    _DIGITS: _Data(digits_task.example_pairs, DigitsTask, digits_training),
    _EMOJI: _Data(emoji_task.example_pairs, EmojiTokensTask, emoji_tokens_training),
}


def build(config: str) -> dict[str, nn.Module]:
    """
    The parts of `config` in eval mode, with random weights (seeded, always the same).

    Their norms are set so that the neurons fire at 10 to 20 %, as trained ones do; training starts
    from the published initialisation instead (`models.networks.cmsf.parts.initial_parts`).

    Raises:
        ValueError: for a name that is not in `CONFIGS`.
    """
    parts = initial_parts(config_named(CONFIGS, config, "CMSF"), SEED)
    inputs = random_features(CONFIGS[config], samples=2, seed=SEED)
    for name, part in parts.items():
        set_firing_rates(part, inputs[name])
    return parts


def weights(config: str) -> Path | None:
    """The trained weights that come with the repository, or None (for `paper`)."""
    config_named(CONFIGS, config, "CMSF")
    return trained_weights("cmsf", config)


def load_weights(parts: dict[str, nn.Module], path: Path) -> None:
    """
    Load our own or a published checkpoint into `parts` (see `models.networks.cmsf.checkpoints`).

    Raises:
        ValueError: if the file does not fit the parts.
    """
    checkpoints.load(parts, path)


def example(config: str, samples: int, seed: int) -> dict[str, dict[str, torch.Tensor]]:
    """
    Inputs for every part: `{part: {input name: (samples, tokens, features)}}`.

    `digits`, `emoji`: images of `dev` and `train`, each with one of its captions, and what the trained encoders make of
    them for the fusion. `paper`: random features.

    Raises:
        ValueError: for a name that is not in `CONFIGS`, or more samples than there are images.
    """
    data = _data(config_named(CONFIGS, config, "CMSF"))
    if data is None:
        return random_features(CONFIGS[config], samples, seed)
    regions, words = data.pairs(samples, seed)
    fusion = fusion_inputs(_trained_parts(config), regions, words)
    return {"image": {"regions": regions}, "text": {"words": words}, "fusion": fusion}


def task(config: str) -> DigitsTask | EmojiTokensTask | None:
    """
    Data and metrics of `config`, or None (for `paper`).

    Raises:
        ValueError: for a name that is not in `CONFIGS`.
    """
    data = _data(config_named(CONFIGS, config, "CMSF"))
    return None if data is None else data.task(_trained_parts(config))


def follow_up(config: str) -> dict[str, str | int]:
    """The similarity of an image and a caption: the cosines of all their tokens, N L D multiplications."""
    own = config_named(CONFIGS, config, "CMSF")
    return {"name": "similarity", "pair": "image and text", "macs": own.N * own.L * own.D, "gallery": GALLERIES[config]}


def training(config: CmsfConfig, seed: int, epochs: int | None = None) -> Training:
    """
    What `python -m models.train` does with a configuration.

    Raises:
        ValueError: for sizes that fit neither the digit scenes nor the emoji, the only training data here.
    """
    data = _data(config)
    if data is None:
        fitting = " or ".join(f"{own.N} regions of {own.region_features} features" for own in _DATA)
        raise ValueError(
            "the configuration does not fit the digit scenes or the emoji, the only training data here: "
            f"{fitting}, words of 64, as `digits` and `emoji` have"
        )
    return data.training(config, seed, epochs)


def _trained_parts(config: str) -> dict[str, nn.Module]:
    """The parts with the weights of the repository (with random ones before there are any)."""
    parts = build(config)
    path = weights(config)
    if path is not None:
        load_weights(parts, path)
    return parts


def _data(config: CmsfConfig) -> _Data | None:
    """The data set whose regions and words a configuration takes."""
    fitting = (data for own, data in _DATA.items() if _inputs(own) == _inputs(config))
    return next(fitting, None)


def _inputs(config: CmsfConfig) -> tuple[int, int, int, int]:
    return config.N, config.L, config.region_features, config.word_features
