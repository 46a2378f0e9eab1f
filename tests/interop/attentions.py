"""The small spiking attentions that other packages are to run: integer weights, so that ties abound, and CMSF's own blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from models.networks.cmsf.block import comb_block
from models.networks.cmsf.config import CmsfConfig
from models.networks.cmsf.parts import initial_parts, random_features, set_firing_rates

SAMPLES = 32


@dataclass(frozen=True)
class Case:
    """A module with the inputs (T, B, ...), or (B, ...) if static, that it is run on."""

    module: nn.Module
    inputs: dict[str, torch.Tensor]
    steps: int
    static: tuple[str, ...] = ()


def integer_linear(width: int, rng: torch.Generator, bias: bool = False) -> nn.Linear:
    """Weights from -2 to 2, biases from -1 to 1."""
    linear = nn.Linear(width, width, bias=bias)
    linear.weight.data = torch.randint(-2, 3, (width, width), generator=rng).float()
    if bias:
        linear.bias.data = torch.randint(-1, 2, (width,), generator=rng).float()
    return linear


class MaskAttention(nn.Module):
    """
    LIF(proj(mask * k)) + x, the mask firing where any of its queries does.

    grouping: (T, B, tokens, width) -> the shape in which axis `axis` is what one mask element looks at.
    """

    def __init__(self, width: int, grouping: Callable[[torch.Tensor], torch.Tensor], axis: int) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(0)
        self.q, self.k = integer_linear(width, rng), integer_linear(width, rng)
        self.proj = integer_linear(width, rng, bias=True)
        self.q_lif, self.k_lif, self.proj_lif = (LIFNode(step_mode="m") for _ in range(3))
        self.mask_lif = LIFNode(v_threshold=0.5, step_mode="m")
        self.grouping, self.axis = grouping, axis

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k = self.grouping(self.q_lif(self.q(x))), self.grouping(self.k_lif(self.k(x)))
        masked = self.mask_lif(q.sum(self.axis, keepdim=True)) * k
        return self.proj_lif(self.proj(masked.reshape(x.shape))) + x


class ProductAttention(nn.Module):
    """LIF(Q K^T V / 8), two heads."""

    def __init__(self, width: int) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(0)
        self.q, self.k, self.v = (integer_linear(width, rng) for _ in range(3))
        self.q_lif, self.k_lif, self.v_lif = (LIFNode(step_mode="m") for _ in range(3))
        self.attn_lif = LIFNode(v_threshold=0.125, step_mode="m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        steps, batch, tokens, width = x.shape
        split = lambda y: y.reshape(steps, batch, tokens, 2, width // 2).transpose(2, 3)
        q, k, v = split(self.q_lif(self.q(x))), split(self.k_lif(self.k(x))), split(self.v_lif(self.v(x)))
        mixed = (q @ k.transpose(-2, -1)) @ v * 0.125
        return self.attn_lif(mixed.transpose(2, 3).reshape(x.shape))


class CombBlock(nn.Module):
    """CMSF's block with spike comb attention and spike gated MLP, queries and keys from the same tokens."""

    def __init__(self, config: CmsfConfig) -> None:
        super().__init__()
        self.block = comb_block(config)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block(x, x)


def cases() -> dict[str, Case]:
    """Every case by name; seeded, always the same."""
    rng = torch.Generator().manual_seed(1)
    spikes = lambda steps, tokens, width: {
        "x": (torch.rand(steps, SAMPLES, tokens, width, generator=rng) < 0.4).float()
    }
    combs = lambda x: x.reshape(*x.shape[:2], 3, 2, 8)
    small = CmsfConfig(N=6, L=6, D=8, F=16, region_features=12, word_features=8, heads=2, combs=3, gate="spike")
    found = {
        "qk-token-mask": Case(MaskAttention(8, lambda x: x, -1), spikes(4, 5, 8), 4),
        "qk-channel-mask": Case(MaskAttention(8, lambda x: x, -2), spikes(4, 5, 8), 4),
        "comb-mask": Case(MaskAttention(8, combs, 3), spikes(4, 6, 8), 4),
        "qkv-time-coded": Case(ProductAttention(8), spikes(4, 4, 8), 4),
    }
    torch.manual_seed(2)
    block, block_spikes = CombBlock(small), spikes(2, 6, 8)
    set_firing_rates(block, block_spikes)
    found["cmsf-scca-block"] = Case(block, block_spikes, 2)
    encoder, regions = initial_parts(small, 3)["image"], random_features(small, SAMPLES, 4)["image"]
    set_firing_rates(encoder, regions)
    found["cmsf-image-encoder"] = Case(encoder, regions, small.T, ("regions",))
    return found
