"""How well class scores fit their labels: an error that is trained, and the accuracy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch.nn.functional import cross_entropy, mse_loss, one_hot

from models.training.classification.samples import Samples

EVALUATION_BATCH = 256


def squared_error(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The mean square of scores (n, classes) minus 1 for the label's class and 0 for the others, for scores that are rates."""
    return mse_loss(scores, one_hot(labels, scores.shape[1]).to(scores.dtype))


ERRORS: Mapping[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "cross entropy": cross_entropy,
    "squared error": squared_error,
}
"""Name -> error of scores (n, classes) and labels (n,)."""


def classification_metrics(
    scores: torch.Tensor, labels: torch.Tensor, error: str = "cross entropy"
) -> dict[str, float]:
    """An error of scores (n, classes), and right classes in percent, which sweeps judge by."""
    return {error: float(ERRORS[error](scores, labels)), "accuracy": accuracy(scores, labels)}


def accuracy(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """Samples whose largest score is their label's, in percent."""
    return 100.0 * float((scores.argmax(1) == labels).double().mean())


@torch.no_grad()
def scores_of(forward: Callable[[Samples], torch.Tensor], samples: Samples) -> torch.Tensor:
    """The scores of all samples, computed a batch at a time."""
    return torch.cat([forward(batch) for batch in samples.batches(EVALUATION_BATCH)])
