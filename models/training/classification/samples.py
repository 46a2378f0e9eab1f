"""Samples with labels, time first, as multi-step networks take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch


@dataclass(frozen=True)
class Samples:
    """Samples with their labels."""

    inputs: dict[str, torch.Tensor]
    """What a network takes, by name: (steps, n, ...)."""
    labels: torch.Tensor
    """(n,) classes."""

    def chosen(self, index: torch.Tensor) -> Samples:
        """The samples of an index, in its order."""
        return Samples({name: value[:, index] for name, value in self.inputs.items()}, self.labels[index])

    def batches(self, size: int) -> list[Samples]:
        """Samples in their order, at most `size` at once."""
        starts = range(0, len(self.labels), size)
        return [self.chosen(torch.arange(start, min(start + size, len(self.labels)))) for start in starts]


class Splits(Protocol):
    """A data set."""

    def split(self, name: str, seed: int = 0) -> Samples:
        """The split `train`, `dev` or `test`; another seed draws other noise."""
        ...


def example_samples(data: Splits, samples: int, seed: int) -> dict[str, torch.Tensor]:
    """
    Inputs of the dev split, in which noise is as in the test split, by name, drawn by the seed.

    Raises:
        ValueError: for more samples than there are, or none.
    """
    dev = data.split("dev")
    if not 0 < samples <= len(dev.labels):
        raise ValueError(f"{samples} samples asked for; there are 1 to {len(dev.labels)}")
    order = np.random.default_rng(seed).permutation(len(dev.labels))
    return dev.chosen(torch.from_numpy(order[:samples])).inputs
