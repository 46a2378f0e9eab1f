"""What a model file says of its training: stages in a row, each with its data, its losses, and the epoch that is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from models.training.sizes import require_positive

Batch = Any
"""Whatever `TrainingStage.batches` makes and `TrainingStage.losses` takes."""


@dataclass(frozen=True)
class FewBits:
    """How a stage is trained once more on the grids of few bits (`models.training.quantized`)."""

    stride: float = 0.004
    """The part of a grid step that a latent of 2 bits moves in a step of the optimiser, at first; by the root of levels less."""
    eta: float | None = None
    """As `TrainingStage.eta`; of the mean, what is nearest on the grid."""


@dataclass(frozen=True)
class TrainingStage:
    """One stage: the sum of `losses` is minimised, and the epoch with the best `select` on dev is kept."""

    name: str
    epochs: int
    """At most; it may stop early."""
    batches: Callable[[np.random.Generator], Sequence[Batch]]
    """The batches of one epoch, shuffled by the generator."""
    losses: Callable[[Batch], Mapping[str, torch.Tensor]]
    """Loss terms of a batch, by name; gradients are those of their sum."""
    dev: Callable[[], Mapping[str, float]]
    """Metrics on the dev split, never on the test split."""
    select: str
    """The metric of `dev` that decides."""
    optimiser: torch.optim.Optimizer
    """It holds the parameters that this stage trains, and no others."""
    rate: Callable[[int], float]
    """Epochs that are done -> factor of the learning rates that the optimiser was made with."""
    patience: int
    """Epochs without a better dev metric after which the stage ends."""
    clip: float = 2.0
    """The largest norm of a step's gradients."""
    eta: float | None = None
    """
    Measured and kept is the mean m of the weights w over the stage's steps n, `m += (eta + 1) / (n + eta) (w - m)`: with 8,
    the last ninth of them counts (polynomial-decay averaging, Shamir and Zhang, arXiv 1212.1824). None: the last step's weights.
    """

    from_start: bool = False
    """Whether the weights that the stage begins with are measured, too, and kept if no epoch is better."""
    settle: Callable[[], None] = lambda: None
    """Run on the mean before it is measured and kept: where weights are on a grid, their mean is not."""
    few_bits: FewBits = FewBits()
    less_is_better: frozenset[str] = frozenset()
    """The metrics of `dev` that a good network has small; of all others more is better."""

    def __post_init__(self) -> None:
        require_positive(self, "epochs", "patience")

    def worth(self, metric: str, dev: Mapping[str, float]) -> float:
        """A metric of dev, its sign so that larger is better."""
        return -dev[metric] if metric in self.less_is_better else dev[metric]

    def share(self, step: int) -> float:
        """What the weights after a step, from 1 on, count in the mean."""
        return 1.0 if self.eta is None else (self.eta + 1) / (step + self.eta)


def of_length(epochs: Mapping[str, int], longest: int | None) -> dict[str, int]:
    """Epochs of stages in the same proportions, of `longest` for the longest one, None: as they are; 1 at least."""
    most = max(epochs.values())
    return {name: max(1, round(number * (longest or most) / most)) for name, number in epochs.items()}


@dataclass(frozen=True)
class Training:
    """A network, the stages that train it, and what it is worth in the end."""

    parts: Mapping[str, nn.Module]
    stages: Sequence[TrainingStage]
    test: Callable[[], Mapping[str, float]]
    """Metrics on the test split, asked once, of the epoch that was kept."""
    save: Callable[[Path], None]
    """Writes the parts' weights in the model file's own format."""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the log's first line says of the run."""

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("a training without stages trains nothing")
