"""A published network: where it comes from, and how to make it in two sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn

Size = Literal["small", "published"]
SIZES: tuple[Size, ...] = ("small", "published")


@dataclass(frozen=True)
class Case:
    """A network of one size with inputs to run."""

    module: nn.Module
    inputs: Mapping[str, torch.Tensor]
    """By name: (T, B, ...), or (B, ...) where `steps` says how long the network itself repeats them."""
    steps: int = 0
    """T of a network whose inputs have no time axis, else 0."""

    @property
    def example(self) -> dict[str, Any]:
        """The same as keywords of `compile_model`."""
        static = tuple(self.inputs) if self.steps else ()
        return {"example": dict(self.inputs), "static": static, "steps": self.steps}


@dataclass(frozen=True)
class Network:
    """One row of docs/networks.md."""

    source: str
    """Paper and code, or the package and its class."""
    build: Callable[[Size], Case]
    """With random weights that let every layer fire."""
    package: str = "spikingjelly"
    """What it takes to build it."""
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    """Precision -> the rule by which it is refused, where it is."""


def image(samples: int, channels: int, side: int) -> torch.Tensor:
    """Noise with the mean and spread of normalised pictures, (samples, channels, side, side)."""
    return torch.randn(samples, channels, side, side, generator=torch.Generator().manual_seed(3))


def spikes(*shape: int, rate: float = 0.3) -> torch.Tensor:
    """Zeros and ones."""
    return (torch.rand(*shape, generator=torch.Generator().manual_seed(4)) < rate).float()
