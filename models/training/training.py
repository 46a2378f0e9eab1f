"""
Training of CMSF on the digit scenes: surrogate gradients, published losses and optimiser.

AdamW with weight decay 1e-4, gradients clipped to norm 2, learning rate divided by ten at half and
at four fifths of the run. The published code selects on the test split; this selects on dev.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from spikingjelly.activation_based import functional
from torch import nn
from torch.nn.utils.clip_grad import clip_grad_norm_
from tqdm import tqdm

from models.cmsf_network.config import CmsfConfig
from models.cmsf_network.fusion import FusedEmbeddings
from models.cmsf_network.parts import initial_parts
from models.data import digits
from models.retrieval.losses import loss_terms
from models.retrieval.metrics import CAPTIONS_PER_IMAGE, recalls
from models.retrieval.similarity import score_matrix

Parts = dict[str, nn.Module]
Record = dict[str, Any]


@dataclass(frozen=True)
class TrainingSchedule:
    """How long and how fast to train."""

    epochs: int
    """An epoch sees every training scene once, each with one of its captions."""
    seed: int
    patience: int = 12
    """Epochs without a better dev R@Sum after which training stops."""
    batch: int = 64
    learning_rate: float = 3e-3
    """Higher than the published 5e-4, for a network 16 times narrower and far fewer steps."""
    detach_labels: bool = False
    """Soft labels carry no gradient into the fusion (published: they do)."""


@dataclass(frozen=True)
class TrainingResult:
    """The best epoch of a run."""

    parts: Parts
    """The network as it was after that epoch, in eval mode."""
    epoch: int
    dev_sum: float


def fit(
    config: CmsfConfig,
    schedule: TrainingSchedule,
    log: Callable[[Record], None],
    keep: Callable[[Parts], None],
) -> TrainingResult:
    """
    Train from the published initialisation.

    `log` gets a record of every epoch, `keep` the parts of every epoch that is the best so far.
    """
    parts = initial_parts(config, schedule.seed)
    trainable = [p for part in parts.values() for p in part.parameters()]
    optimiser = torch.optim.AdamW(trainable, lr=schedule.learning_rate, weight_decay=1e-4)
    rates = _learning_rates(optimiser, schedule.epochs)
    rng = np.random.default_rng(schedule.seed)
    best = TrainingResult(_snapshot(parts), 0, -1.0)
    for epoch in range(1, schedule.epochs + 1):
        started = time.perf_counter()
        losses = _train_epoch(parts, optimiser, schedule, rng, f"epoch {epoch}/{schedule.epochs}")
        metrics = retrieval_metrics(parts, "dev")
        if metrics["R@Sum"] > best.dev_sum:
            best = TrainingResult(_snapshot(parts), epoch, metrics["R@Sum"])
            keep(best.parts)
        log(
            {
                "epoch": epoch,
                "learning_rate": rates.get_last_lr()[0],
                "loss": losses,
                "dev": metrics,
                "seconds": round(time.perf_counter() - started, 1),
            }
        )
        rates.step()
        if epoch - best.epoch >= schedule.patience:
            break
    return best


def _learning_rates(optimiser: torch.optim.Optimizer, epochs: int) -> torch.optim.lr_scheduler.MultiStepLR:
    """Divided by ten at half and at four fifths of the run."""
    steps = sorted({max(1, epochs // 2), max(1, epochs * 4 // 5)})
    return torch.optim.lr_scheduler.MultiStepLR(optimiser, milestones=steps, gamma=0.1)


def _snapshot(parts: Parts) -> Parts:
    """Copies without neuron state, which still hangs on the last step's gradients."""
    for part in parts.values():
        functional.reset_net(part)
    return deepcopy(parts)


def _train_epoch(
    parts: Parts,
    optimiser: torch.optim.Optimizer,
    schedule: TrainingSchedule,
    rng: np.random.Generator,
    label: str,
) -> dict[str, float]:
    """One pass over the training scenes; the mean of every loss term."""
    for part in parts.values():
        part.train()
    batches = list(_batches(schedule.batch, rng))
    sums: dict[str, float] = {}
    for regions, words in tqdm(batches, desc=label, leave=False, mininterval=1.0):
        terms = _losses(parts, regions, words, schedule.detach_labels)
        loss = torch.stack(list(terms.values())).sum()
        optimiser.zero_grad()
        loss.backward()
        clip_grad_norm_([p for part in parts.values() for p in part.parameters()], 2.0)
        optimiser.step()
        for name, term in terms.items():
            sums[name] = sums.get(name, 0.0) + term.item()
    for part in parts.values():
        part.eval()
    return {name: round(total / len(batches), 4) for name, total in sums.items()}


def _batches(size: int, rng: np.random.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Shuffled full batches of scenes with one caption each."""
    train = digits.load_split("train")
    order = rng.permutation(len(train.regions))
    choice = order * CAPTIONS_PER_IMAGE + rng.integers(0, CAPTIONS_PER_IMAGE, len(order))
    words = train.words()
    for start in range(0, len(order) - size + 1, size):
        scenes, captions = order[start : start + size], choice[start : start + size]
        yield torch.from_numpy(train.regions[scenes]), torch.from_numpy(words[captions])


def _losses(parts: Parts, regions: torch.Tensor, words: torch.Tensor, detach_labels: bool) -> dict[str, torch.Tensor]:
    image, text = parts["image"](regions), parts["text"](words)
    if "fusion" not in parts:
        return loss_terms(image, text, None, None)
    fused = parts["fusion"](image.emb, text.emb, image.early, text.early)
    labels = FusedEmbeddings(*(view.detach() for view in fused)) if detach_labels else fused
    return loss_terms(image, text, fused, labels)


@torch.no_grad()
def retrieval_metrics(parts: Parts, split: str) -> dict[str, float]:
    """Retrieval metrics of the encoders on a whole split."""
    data = digits.load_split(split)
    images = parts["image"](torch.from_numpy(data.regions.copy())).emb
    captions = parts["text"](torch.from_numpy(data.words())).emb
    return recalls(score_matrix(images, captions).numpy())
