"""How well class scores fit their labels."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.functional import cross_entropy

from models.training.audio_visual.digit_clips import Clips

EVALUATION_BATCH = 256


def classification_metrics(scores: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """The mean cross entropy of scores (n, classes), and right classes in percent, which sweeps judge by."""
    return {"cross entropy": float(cross_entropy(scores, labels)), "accuracy": accuracy(scores, labels)}


def accuracy(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """Samples whose largest score is their label's, in percent."""
    return 100.0 * float((scores.argmax(1) == labels).double().mean())


@torch.no_grad()
def scores_of(forward: Callable[[Clips], torch.Tensor], clips: Clips) -> torch.Tensor:
    """The scores of all clips, computed a batch at a time."""
    return torch.cat([forward(batch) for batch in clips.batches(EVALUATION_BATCH)])
