"""What every model file says alike: which configuration a name means, which weights come along, how a seeded network is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch

WEIGHTS_DIR = Path(__file__).parent.parent / "weights"
"""Where the trained weights of the repository lie, beside their logs."""
C = TypeVar("C")
M = TypeVar("M")


def config_named(configs: Mapping[str, C], name: str, network: str) -> C:
    """
    The configuration of a name.

    Raises:
        ValueError: there is none; the message has the others, and the `network` by its usual name.
    """
    if name not in configs:
        raise ValueError(f"no configuration {name!r} of {network}; there are {', '.join(configs)}")
    return configs[name]


def trained_weights(model: str, config: str) -> Path | None:
    """The weights of a model file's configuration that come with the repository, or None."""
    path = WEIGHTS_DIR / f"{model}-{config}.pt"
    return path if path.is_file() else None


def seeded(make: Callable[[], M], seed: int) -> M:
    """What `make` makes of random numbers that `seed` begins; torch's global seed is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()
