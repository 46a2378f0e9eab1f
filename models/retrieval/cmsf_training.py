"""
Training of CMSF on pairs of an image and a caption: published losses and optimiser.

AdamW with weight decay 1e-4, gradients clipped to norm 2, learning rate divided by ten at half and at four fifths of the run. The
published code selects on the test split; this selects on dev. The learning rate is higher than the published 5e-4, for a network
16 times narrower and far fewer steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from models.networks.cmsf import checkpoints
from models.networks.cmsf.config import CmsfConfig
from models.networks.cmsf.fusion import FusedEmbeddings
from models.networks.cmsf.parts import initial_parts
from models.retrieval.losses import loss_terms
from models.retrieval.similarity import Real
from models.training.fused_lif import use_fused_lif
from models.training.stage import Training, TrainingStage

LEARNING_RATE = 3e-3
Parts = Mapping[str, nn.Module]


class PairBatch(NamedTuple):
    """Images with one caption each."""

    regions: torch.Tensor
    """(B, N, features)."""
    words: torch.Tensor
    """(B, L, features)."""
    real: Real | None = None
    """None: all tokens count."""


@dataclass(frozen=True)
class PairData:
    """What CMSF trains on."""

    batches: Callable[[np.random.Generator], Sequence[PairBatch]]
    """Those of one epoch."""
    metrics: Callable[[Parts, str], Mapping[str, float]]
    """Of parts, on the split `dev` or `test`; `R@Sum` on dev decides."""
    epochs: int
    patience: int
    batch: int


def cmsf_training(config: CmsfConfig, data: PairData, seed: int, epochs: int | None = None) -> Training:
    """One stage, from the published initialisation."""
    parts = initial_parts(config, seed)
    for part in parts.values():
        use_fused_lif(part)
    epochs = epochs or data.epochs
    optimiser = torch.optim.AdamW(
        [p for part in parts.values() for p in part.parameters()], lr=LEARNING_RATE, weight_decay=1e-4
    )
    milestones = sorted({max(1, epochs // 2), max(1, epochs * 4 // 5)})
    stage = TrainingStage(
        name="retrieval",
        epochs=epochs,
        batches=data.batches,
        losses=partial(_losses, parts, config.detach_labels),
        dev=partial(data.metrics, parts, "dev"),
        select="R@Sum",
        optimiser=optimiser,
        rate=lambda done: 0.1 ** sum(done >= milestone for milestone in milestones),
        patience=data.patience,
    )
    settings = {"epochs": epochs, "patience": data.patience, "batch": data.batch, "learning_rate": LEARNING_RATE}

    def save(path: Path) -> None:
        checkpoints.save(parts, path)

    return Training(parts, (stage,), partial(data.metrics, parts, "test"), save, settings)


def _losses(parts: Parts, detach_labels: bool, batch: PairBatch) -> dict[str, torch.Tensor]:
    image, text = parts["image"](batch.regions), parts["text"](batch.words)
    if "fusion" not in parts:
        return loss_terms(image, text, None, None, batch.real)
    fused = parts["fusion"](image.emb, text.emb, image.early, text.early)
    labels = FusedEmbeddings(*(view.detach() for view in fused)) if detach_labels else fused
    return loss_terms(image, text, fused, labels, batch.real)
