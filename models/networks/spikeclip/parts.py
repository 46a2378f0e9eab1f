"""SpikeCLIP's parts made from a `SpikeClipConfig`, and random inputs of their shapes."""

from __future__ import annotations

import torch
from torch import nn

from models.networks.spikeclip.config import SpikeClipConfig
from models.networks.spikeclip.image_encoder import SpikeClipImageEncoder
from models.networks.spikeclip.scratch_clip import SCRATCH_TEXT_ENCODERS, ScratchImageEncoder
from models.networks.spikeclip.text_encoder import TEXT_ENCODERS
from models.training.model_page import seeded


def initial_parts(config: SpikeClipConfig, seed: int) -> dict[str, nn.Module]:
    """The parts as published at the start, in eval mode; torch's global seed is untouched."""
    return {name: part.eval() for name, part in seeded(lambda: _parts(config), seed).items()}


def _parts(config: SpikeClipConfig) -> dict[str, nn.Module]:
    if config.neurons == "lif":
        return {"image": SpikeClipImageEncoder(config), "text": TEXT_ENCODERS[config.text](config)}
    return {"image": ScratchImageEncoder(config), "text": SCRATCH_TEXT_ENCODERS[config.text](config)}


def random_inputs(config: SpikeClipConfig, samples: int, seed: int) -> dict[str, dict[str, torch.Tensor]]:
    """Noise images in [0, 1] with a gradient each, and texts of 1 to `words` words, padded with 0."""
    rng = torch.Generator().manual_seed(seed)
    side = torch.linspace(-1.0, 1.0, config.pixels)
    slopes = torch.randn(2, samples, 3, 1, 1, generator=rng)
    noise = torch.randn(samples, 3, config.pixels, config.pixels, generator=rng)
    images = (0.5 + 0.2 * (slopes[0] * side + slopes[1] * side.unsqueeze(1) + noise)).clamp(0.0, 1.0)
    tokens = torch.randint(1, config.vocabulary, (samples, config.words), generator=rng)
    lengths = torch.randint(1, config.words + 1, (samples, 1), generator=rng)
    return {"image": {"images": images}, "text": {"tokens": tokens * (torch.arange(config.words) < lengths)}}
