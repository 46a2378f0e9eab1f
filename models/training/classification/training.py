"""
Training of a classifier: AdamW, a cosine over the epochs, other noise in every epoch.

Its random weights are set so that all neurons fire before the first step. The dev split decides which epoch is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.layers.firing import set_firing_rates
from models.training.classification.metrics import ERRORS, classification_metrics, scores_of
from models.training.classification.samples import Samples, Splits
from models.training.fused_lif import use_fused_lif
from models.training.stage import Training, TrainingStage

BATCH, LEARNING_RATE, WEIGHT_DECAY = 54, 4e-3, 1e-2
"""60 batches are all clips of the audio-visual training split, 59 nearly all films."""
FIRST_RATE = 0.12
"""Spikes per neuron and step before training; with norms as torch makes them, neurons with tau 2 begin at some 0.02."""

Losses = Callable[[Samples], Mapping[str, torch.Tensor]]
Metrics = Callable[[Samples], Mapping[str, float]]


def classification_training(
    network: nn.Module, data: Splits, epochs: int, losses: Losses, metrics: Metrics, error: str = "cross entropy"
) -> Training:
    """
    One stage; an epoch sees every sample once, but for a last batch that is not full.

    Of `metrics` on dev the `error` decides, steadier than the accuracy.
    """

    def batches(rng: np.random.Generator) -> list[Samples]:
        return training_batches(data, rng)

    def save(path: Path) -> None:
        torch.save(network.state_dict(), path)

    use_fused_lif(network)
    set_firing_rates(network, data.split("train").batches(BATCH)[0].inputs, FIRST_RATE)
    dev, test = data.split("dev"), data.split("test")
    stage = TrainingStage(
        name="classification",
        epochs=epochs,
        batches=batches,
        losses=losses,
        dev=lambda: metrics(dev),
        select=error,
        optimiser=torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY),
        rate=lambda done: 0.5 * (1 + math.cos(math.pi * done / epochs)),
        patience=epochs,
        eta=8,
        less_is_better=frozenset({error}),
    )
    settings = {"epochs": epochs, "batch": BATCH, "learning_rate": LEARNING_RATE, "weight_decay": WEIGHT_DECAY}
    return Training({"network": network}, (stage,), lambda: metrics(test), save, settings)


def training_batches(data: Splits, rng: np.random.Generator) -> list[Samples]:
    """Shuffled full batches of the training samples, with noise that no other epoch has."""
    train = data.split("train", seed=int(rng.integers(1 << 31)))
    order = torch.from_numpy(rng.permutation(len(train.labels)))
    starts = range(0, len(order) - BATCH + 1, BATCH)
    return [train.chosen(order[start : start + BATCH]) for start in starts]


def plain_losses(network: nn.Module, batch: Samples, error: str = "cross entropy") -> dict[str, torch.Tensor]:
    """An error of the network's scores."""
    return {error: ERRORS[error](network(**batch.inputs), batch.labels)}


def plain_metrics(network: nn.Module, samples: Samples, error: str = "cross entropy") -> dict[str, float]:
    """Accuracy in percent and an error of the network's scores."""
    return classification_metrics(scores_of(lambda batch: network(**batch.inputs), samples), samples.labels, error)
