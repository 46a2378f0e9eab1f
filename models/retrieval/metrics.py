"""Retrieval metrics: R@1, R@5, R@10 in both directions, and their sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CAPTIONS_PER_IMAGE = 5
RANKS = (1, 5, 10)


def recalls(scores: NDArray[np.float32]) -> dict[str, float]:
    """
    Percentages from scores (images, 5 * images); captions 5i .. 5i+4 belong to image i.

    Image to text takes the best of the five captions. A wrong item with the same score as the
    right one counts as better: spiking embeddings do tie, and a tie is no retrieval.

    Raises:
        ValueError: if there are not five captions for each image, or a score is not finite.
    """
    images, captions = scores.shape
    if captions != CAPTIONS_PER_IMAGE * images:
        raise ValueError(f"{images} images need {CAPTIONS_PER_IMAGE * images} captions, not {captions}")
    if not np.isfinite(scores).all():
        raise ValueError("the similarity of some image and caption is not finite")
    matches = np.equal(np.arange(captions) // CAPTIONS_PER_IMAGE, np.arange(images)[:, None])
    best_match = np.where(matches, scores, -np.inf).max(axis=1, keepdims=True)
    better_captions = ((scores >= best_match) & ~matches).sum(axis=1)
    better_images = ((scores >= scores[matches.T.argmax(axis=1), np.arange(captions)]) & ~matches).sum(axis=0)
    result = {f"i2t R@{k}": _percent(better_captions < k) for k in RANKS}
    result |= {f"t2i R@{k}": _percent(better_images < k) for k in RANKS}
    return {**result, "R@Sum": sum(result.values())}


def _percent(hits: NDArray[np.bool_]) -> float:
    """Rounded once, as published: 11 of 20 are 55.0."""
    return 100 * int(hits.sum()) / hits.size
