"""CMSF's parts made from a `CmsfConfig`, and random weights that fire like trained ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from models.networks.cmsf.config import CmsfConfig
from models.networks.cmsf.encoder import ImageEncoder, TextEncoder
from models.networks.cmsf.fusion import FUSION_PARTS
from models.training.model_page import seeded

CHANNEL_SPREAD = 3.5
"""Standard deviation of the channels' mean currents, in units of a channel's own deviation."""
TARGET_RATE = 0.125


def initial_parts(config: CmsfConfig, seed: int) -> dict[str, nn.Module]:
    """The parts as published at the start, in eval mode; torch's global seed is untouched."""
    return {name: part.eval() for name, part in seeded(lambda: _parts(config), seed).items()}


def _parts(config: CmsfConfig) -> dict[str, nn.Module]:
    parts: dict[str, nn.Module] = {"image": ImageEncoder(config), "text": TextEncoder(config)}
    if config.fusion != "none":
        parts["fusion"] = FUSION_PARTS[config.fusion](config)
    return parts


@torch.no_grad()
def fusion_inputs(
    encoders: Mapping[str, nn.Module], regions: torch.Tensor, words: torch.Tensor
) -> dict[str, torch.Tensor]:
    """What the fusion gets for matching pairs: the encoders' outputs, (pairs, tokens, D) each."""
    image, text = encoders["image"](regions), encoders["text"](words)
    return {
        "image_emb": image.emb,
        "text_emb": text.emb,
        "image_early": image.early,
        "text_early": text.early,
    }


def random_features(config: CmsfConfig, samples: int, seed: int) -> dict[str, dict[str, torch.Tensor]]:
    """
    Inputs of every part, shaped and distributed like real ones.

    Regions are rectified (detector features are means of rectified maps), words are normal, the
    fusion gets unit-length weighted spike counts and unit-length analog features.
    """
    rng = torch.Generator().manual_seed(seed)
    regions = torch.randn(samples, config.N, config.region_features, generator=rng).relu()
    words = torch.randn(samples, config.L, config.word_features, generator=rng)
    fusion = {
        "image_emb": _random_embedding(samples, config.N, config, rng),
        "text_emb": _random_embedding(samples, config.L, config, rng),
        "image_early": _unit(torch.randn(samples, config.N, config.D, generator=rng)),
        "text_early": _unit(torch.randn(samples, config.L, config.D, generator=rng)),
    }
    return {"image": {"regions": regions}, "text": {"words": words}, "fusion": fusion}


def _random_embedding(samples: int, tokens: int, config: CmsfConfig, rng: torch.Generator) -> torch.Tensor:
    """Three spike populations at the target rate, weighted by step as the encoders do."""
    shape = (config.T, 3, samples, tokens, config.D)
    spikes = (torch.rand(shape, generator=rng) < TARGET_RATE).float().sum(dim=1)
    weights = torch.linspace(2.3, 1.9, config.T).reshape(-1, 1, 1, 1)
    return _unit((spikes * weights).sum(dim=0))


def _unit(x: torch.Tensor) -> torch.Tensor:
    return x / x.norm(dim=-1, keepdim=True).clamp_min(1e-8)  # pyright: ignore[reportUnknownVariableType]


@torch.no_grad()
def set_firing_rates(part: nn.Module, inputs: dict[str, torch.Tensor]) -> None:
    """
    Give `part` norms with which its neuron layers fire at about `TARGET_RATE` on `inputs`.

    In forward order every batch norm takes the statistics of its input, a fixed seeded spread of
    channel means (as training makes them: some channels busy, most nearly silent) and the offset
    that puts the neuron behind it at the target rate. A LayerNorm before a coder gets the offset
    only. Attention neurons have no norm: their rate follows from their inputs.
    """
    rng = torch.Generator().manual_seed(0)
    hooks = [
        module.register_forward_pre_hook(lambda norm, args: _set_norm(norm, args[0], rng))
        for module in part.modules()
        if isinstance(module, (nn.BatchNorm1d, nn.LayerNorm))
    ]
    part(**inputs)
    for hook in hooks:
        hook.remove()


def _set_norm(norm: nn.Module, x: torch.Tensor, rng: torch.Generator) -> None:
    if isinstance(norm, nn.LayerNorm):
        norm.bias.copy_(_offset_for_rate(norm.forward(x)).expand_as(norm.bias))
        return
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(x.mean(dim=(0, 2)))
    norm.running_var.copy_(x.var(dim=(0, 2), unbiased=False).clamp_min(1e-6))
    norm.bias.copy_(CHANNEL_SPREAD * torch.randn(norm.num_features, generator=rng))
    norm.bias.add_(_offset_for_rate(norm.forward(x)))


def _offset_for_rate(current: torch.Tensor) -> torch.Tensor:
    """
    Constant to add to `current` so that a memoryless neuron with threshold 1.6 fires on target.

    A constant current x fires in both of two steps for x >= 2, in the second for x >= 4/3: on
    average about as often as a comparator at 1.6.
    """
    return 1.6 - torch.quantile(_sample(current), 1.0 - TARGET_RATE)


def _sample(x: torch.Tensor, size: int = 100_000) -> torch.Tensor:
    flat = x.reshape(-1)
    return flat[:: max(1, flat.numel() // size)]


def firing_rates(part: nn.Module, inputs: dict[str, torch.Tensor]) -> dict[str, float]:
    """Mean spikes per neuron and step of every neuron layer of `part`, by module path."""
    rates: dict[str, float] = {}

    def record(path: str) -> Callable[[nn.Module, object, torch.Tensor], None]:
        return lambda _module, _args, spikes: rates.update({path: float(spikes.mean())})

    modules: dict[str, nn.Module] = dict(part.named_modules())  # pyright: ignore[reportUnknownArgumentType]
    hooks = [
        module.register_forward_hook(record(path)) for path, module in modules.items() if isinstance(module, LIFNode)
    ]
    with torch.no_grad():
        part(**inputs)
    for hook in hooks:
        hook.remove()
    return rates
