"""
Training of an audio-visual classifier on the digits: AdamW, a cosine over the epochs, other noise in every epoch.

Its random weights are set so that all neurons fire before the first step. The dev split decides which epoch is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from models.layers.firing import set_firing_rates
from models.training.audio_visual.digit_clips import Clips, DigitClips
from models.training.audio_visual.metrics import classification_metrics, scores_of
from models.training.fused_lif import use_fused_lif
from models.training.stage import Training, TrainingStage

BATCH, LEARNING_RATE, WEIGHT_DECAY = 54, 4e-3, 1e-2
"""60 batches are all the clips of the training split."""
FIRST_RATE = 0.12
"""Spikes per neuron and step before training; with norms as torch makes them, neurons with tau 2 begin at some 0.02."""

Losses = Callable[[Clips], Mapping[str, torch.Tensor]]
Metrics = Callable[[Clips], Mapping[str, float]]


def digits_training(network: nn.Module, clips: DigitClips, epochs: int, losses: Losses, metrics: Metrics) -> Training:
    """One stage in which an epoch sees every clip once; `metrics` has a `cross entropy`, and the smallest on dev decides."""

    def batches(rng: np.random.Generator) -> list[Clips]:
        return training_batches(clips, rng)

    def save(path: Path) -> None:
        torch.save(network.state_dict(), path)

    def chosen_by() -> dict[str, float]:
        found = metrics(dev)
        return {**found, "log likelihood": -found["cross entropy"]}  # steadier than the accuracy of few clips

    use_fused_lif(network)
    set_firing_rates(network, clips.split("train").batches(BATCH)[0].inputs(), FIRST_RATE)
    dev, test = clips.split("dev"), clips.split("test")
    stage = TrainingStage(
        name="classification",
        epochs=epochs,
        batches=batches,
        losses=losses,
        dev=chosen_by,
        select="log likelihood",
        optimiser=torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY),
        rate=lambda done: 0.5 * (1 + math.cos(math.pi * done / epochs)),
        patience=epochs,
        eta=8,
        less_is_better=frozenset({"cross entropy"}),
    )
    settings = {"epochs": epochs, "batch": BATCH, "learning_rate": LEARNING_RATE, "weight_decay": WEIGHT_DECAY}
    return Training({"network": network}, (stage,), lambda: metrics(test), save, settings)


def training_batches(clips: DigitClips, rng: np.random.Generator) -> list[Clips]:
    """Shuffled full batches of the training clips, with noise and pairs that no other epoch has."""
    train = clips.split("train", seed=int(rng.integers(1 << 31)))
    order = torch.from_numpy(rng.permutation(len(train.labels)))
    starts = range(0, len(order) - BATCH + 1, BATCH)
    return [train.chosen(order[start : start + BATCH]) for start in starts]


def plain_losses(network: nn.Module, batch: Clips) -> dict[str, torch.Tensor]:
    """Cross entropy of the network's scores."""
    return {"cross entropy": cross_entropy(network(**batch.inputs()), batch.labels)}


def plain_metrics(network: nn.Module, clips: Clips) -> dict[str, float]:
    """Accuracy in percent and cross entropy of the network's scores."""
    return classification_metrics(scores_of(lambda batch: network(**batch.inputs()), clips), clips.labels)
