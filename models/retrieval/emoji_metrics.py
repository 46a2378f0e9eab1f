"""What features of emoji and of texts are worth: retrieval both ways, and classes by names."""

from __future__ import annotations

import torch

from models.layers.neuron import l2_normalise

RANKS = (1, 5, 10)


def pair_recalls(images: torch.Tensor, texts: torch.Tensor) -> dict[str, float]:
    """`score_recalls` of the cosines of features (n, E), (n, E)."""
    return score_recalls(cosines(images, texts))


def cosines(images: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
    """Features (n, E), (m, E) -> (n, m), in double precision."""
    return l2_normalise(images.double()) @ l2_normalise(texts.double()).T


def score_recalls(scores: torch.Tensor) -> dict[str, float]:
    """
    R@1, R@5, R@10 in percent of scores (n, n), pairs in the same row and column: of images to texts and back.

    A wrong item with the same score as the right one counts as better.
    """
    result = dict[str, float]()
    for way, each in (("i2t", scores), ("t2i", scores.T)):
        better = (each >= each.diagonal().unsqueeze(1)).sum(dim=1) - 1
        result |= {f"{way} R@{k}": percent(better < k) for k in RANKS}
    return result


def labels_of(texts: torch.Tensor, classes: int) -> torch.Tensor:
    """
    Label matrix (E, classes) of the features (classes x templates, E) of all classes' texts, those of a class in a row.

    That of `models.networks.spikeclip.zero_shot.label_matrix`: the mean of a class's features at unit length.
    """
    return l2_normalise(texts).unflatten(0, (classes, -1)).mean(dim=1).T


def accuracy(scores: torch.Tensor, classes: torch.Tensor) -> float:
    """Percent of the rows of (n, classes) whose largest score is that of the right class."""
    return percent(scores.argmax(dim=1) == classes)


def percent(hits: torch.Tensor) -> float:
    """Rounded once: 11 of 20 are 55.0."""
    return 100 * int(hits.sum()) / len(hits)
