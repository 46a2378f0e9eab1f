"""
Bidirectional hard alignment: CMSF's similarity of an image and a caption.

With c the cosines of all region-word pairs, `a_r = max_w c`, `b_w = max_r c`:

    s = log sum_{r,w} exp(a_r b_w / 0.1)

As published every token counts, padding too: the published masks are always full. Where `Real` says which n of N regions and
m of L words are real, padding is left out of both maxima and of the sum, and the sum is multiplied by N L / (n m). Without that a
text would win by being long: the logarithm of 16 words instead of 2 is worth more than most cosines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

POOLING_TEMPERATURE = 0.1
TILE_IMAGES, TILE_CAPTIONS = 16, 256


class Real(NamedTuple):
    """Which tokens are real, one at least in each row; the others are padding."""

    regions: torch.Tensor
    """(images, N) bool."""
    words: torch.Tensor
    """(captions, L) bool."""


def hard_alignment(images: torch.Tensor, captions: torch.Tensor, real: Real | None = None) -> torch.Tensor:
    """
    Scores (images, captions) of (images, N, D) and (captions, L, D), tokens of unit length.

    Tokens are kept on the outer axes, so that every reduction runs over long contiguous rows, and
    products of cosines are at most 1, so that the exponentials cannot overflow.

    Raises:
        ValueError: for an image or a caption without a real token.
    """
    regions = images.transpose(0, 1)
    words = captions.transpose(0, 1)
    cosines = torch.matmul(regions.flatten(0, 1), words.flatten(0, 1).t())
    cosines = torch.unflatten(torch.unflatten(cosines, 0, regions.shape[:2]), 2, words.shape[:2])
    padding = None if real is None else _padding(real)
    if padding is not None:
        cosines = cosines.masked_fill(padding, -1.0)
    best_word = cosines.amax(dim=2)
    best_region = cosines.amax(dim=0).transpose(0, 1).contiguous()
    products = best_word.unsqueeze(1) * (best_region / POOLING_TEMPERATURE).unsqueeze(0)
    if padding is not None:
        products = products.masked_fill(padding.transpose(1, 2), -torch.inf)
    total = products.exp().sum(dim=(0, 1))
    return (total if real is None else total * _share(real)).log()


def _padding(real: Real) -> torch.Tensor:
    """(N, images, L, captions), true where the region or the word is padding."""
    for tokens, what in zip(real, ("an image without a real region", "a caption without a real word"), strict=True):
        if not tokens.any(dim=1).all():
            raise ValueError(f"{what} has no similarity")
    return ~(real.regions.t()[:, :, None, None] & real.words.t())


def _share(real: Real) -> torch.Tensor:
    """(images, captions): all pairs of tokens over those that are real."""
    n, m = (tokens.shape[1] / tokens.sum(dim=1) for tokens in real)
    return n.unsqueeze(1) * m


def embeddings(outputs: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Images (images, N, D) and captions (captions, L, D) of the outputs of both parts, `{part: {"emb": array}}`.

    Raises:
        ValueError: if those of a part are missing.
    """
    for part in ("image", "text"):
        if "emb" not in outputs.get(part, {}):
            raise ValueError(f"retrieval needs the output 'emb' of the {part} part")
    images, captions = (torch.from_numpy(np.array(outputs[part]["emb"], np.float32)) for part in ("image", "text"))
    return images, captions


@torch.no_grad()
def score_matrix(images: torch.Tensor, captions: torch.Tensor, real: Real | None = None) -> torch.Tensor:
    """`hard_alignment` of whole test sets, in tiles that fit a processor's cache."""

    def tile(rows: slice, columns: slice) -> torch.Tensor:
        part = None if real is None else Real(real.regions[rows], real.words[columns])
        return hard_alignment(images[rows], captions[columns], part)

    return torch.cat(
        [
            torch.cat([tile(rows, columns) for columns in _slices(len(captions), TILE_CAPTIONS)], dim=1)
            for rows in _slices(len(images), TILE_IMAGES)
        ]
    )


def _slices(count: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, count, size)]
