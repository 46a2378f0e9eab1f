"""
The losses of SpikeCLIP's two trainings, and the one that a small teacher is trained with.

First both encoders follow a teacher (alignment); then the image encoder is tuned to classes, with the text encoder frozen (dual
loss). Features have any length.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from models.layers.neuron import l2_normalise


def alignment_loss(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """`mean(1 - cos(student, teacher))` of features (B, E)."""
    return 1.0 - (l2_normalise(student) * l2_normalise(teacher)).sum(dim=-1).mean()


def dual_loss(
    scores: torch.Tensor, teacher_scores: torch.Tensor, classes: torch.Tensor, shares: tuple[float, float]
) -> torch.Tensor:
    """
    `c CE(scores, classes) + alpha KL(softmax(teacher_scores) || softmax(scores))`, both means over the batch.

    Scores (B, classes) are those of `zero_shot.class_scores`, without temperature as published; the teacher's carry no gradient.
    The published code adds up the KL over the batch beside a mean of the CE, so that its weight is the size of the batch; the
    paper has a weight alpha without a value. Ours is a mean.

    Args:
        shares: c and alpha; 0 leaves a loss out.
    """
    kl = F.kl_div(scores.log_softmax(dim=1), teacher_scores.detach().softmax(dim=1), reduction="batchmean")
    return shares[0] * F.cross_entropy(scores, classes) + shares[1] * kl


def contrastive_loss(images: torch.Tensor, texts: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """CLIP's: the CE of finding the text of each image, and the image of each text, of `scale cos`; pairs in the same row."""
    scores = scale * l2_normalise(images) @ l2_normalise(texts).T
    pairs = torch.arange(len(scores), device=scores.device)
    return (F.cross_entropy(scores, pairs) + F.cross_entropy(scores.T, pairs)) / 2
