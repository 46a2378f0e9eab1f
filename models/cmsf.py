"""
CMSF, brain-inspired image-text retrieval (Zong et al., arXiv 2603.26787): the model file.

What a compiler or a script needs to know of a network: its configurations, its parts, their
weights, example inputs, and the task it is measured on. Parts: `image` and `text` encoders, which
run at retrieval time, and `fusion`, the teacher that runs in training only.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.cmsf_network import checkpoints
from models.cmsf_network.config import CmsfConfig
from models.cmsf_network.parts import initial_parts, random_features, set_firing_rates
from models.data import digit_captions, digit_scenes
from models.data.digits import load_split
from models.retrieval.digits_task import DigitsTask, fusion_inputs
from models.retrieval.digits_training import digits_training
from models.retrieval.metrics import CAPTIONS_PER_IMAGE
from models.training.model_page import config_named, trained_weights
from models.training.stage import Training

SEED = 6174

_DIGITS = CmsfConfig(N=12, L=12, D=64, F=256, region_features=72, word_features=64, heads=4, combs=4)

CONFIGS: dict[str, CmsfConfig] = {
    "digits": _DIGITS,
    "digits-spike": replace(_DIGITS, gate="spike"),
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
"""The paper's energy table that the report follows: Table 4 of the supplement."""


def build(config: str) -> dict[str, nn.Module]:
    """
    The parts of `config` in eval mode, with random weights (seeded, always the same).

    Their norms are set so that the neurons fire at 10 to 20 %, as trained ones do; training starts
    from the published initialisation instead (`models.cmsf_network.parts.initial_parts`).

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
    Load our own or a published checkpoint into `parts` (see `models.cmsf_network.checkpoints`).

    Raises:
        ValueError: if the file does not fit the parts.
    """
    checkpoints.load(parts, path)


def example(config: str, samples: int, seed: int) -> dict[str, dict[str, torch.Tensor]]:
    """
    Inputs for every part: `{part: {input name: (samples, tokens, features)}}`.

    `digits`: real test scenes, each with one of its captions, and what the trained encoders make of
    them for the fusion. `paper`: random features.

    Raises:
        ValueError: for a name that is not in `CONFIGS`, or more samples than there are test scenes.
    """
    if not _on_digits(config):
        return random_features(CONFIGS[config], samples, seed)
    data = load_split("test")
    if not 0 < samples <= len(data.regions):
        raise ValueError(f"{samples} samples asked for; there are 1 to {len(data.regions)}")
    rng = np.random.default_rng(seed)
    scenes = rng.permutation(len(data.regions))[:samples]
    captions = scenes * CAPTIONS_PER_IMAGE + rng.integers(0, CAPTIONS_PER_IMAGE, samples)
    regions = torch.from_numpy(data.regions[scenes])
    words = torch.from_numpy(data.words()[captions])
    fusion = fusion_inputs(_trained_parts(config), regions, words)
    return {"image": {"regions": regions}, "text": {"words": words}, "fusion": fusion}


def task(config: str) -> DigitsTask | None:
    """
    Data and metrics of `config`, or None (for `paper`).

    Raises:
        ValueError: for a name that is not in `CONFIGS`.
    """
    return DigitsTask(_trained_parts(config)) if _on_digits(config) else None


def training(config: CmsfConfig, seed: int, epochs: int | None = None) -> Training:
    """
    What `python -m models.train` does with a configuration.

    Raises:
        ValueError: for sizes that do not fit the digit scenes, the only training data here.
    """
    data = (digit_scenes.PROPOSALS, digit_scenes.FEATURES, digit_captions.FEATURES)
    if (config.N, config.region_features, config.word_features) != data:
        fitting = f"{data[0]} regions of {data[1]} features, words of {data[2]}"
        raise ValueError(f"the configuration does not fit the digit scenes ({fitting}), the only training data here")
    return digits_training(config, seed, epochs)


def _trained_parts(config: str) -> dict[str, nn.Module]:
    """The parts with the weights of the repository (with random ones before there are any)."""
    parts = build(config)
    path = weights(config)
    if path is not None:
        load_weights(parts, path)
    return parts


def _on_digits(config: str) -> bool:
    return config_named(CONFIGS, config, "CMSF").region_features == digit_scenes.FEATURES
