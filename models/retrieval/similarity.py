"""
Bidirectional hard alignment: CMSF's similarity of an image and a caption.

With c the cosines of all region-word pairs, `a_r = max_w c`, `b_w = max_r c`:

    s = log sum_{r,w} exp(a_r b_w / 0.1)

As published every token counts, padding words too, unless true lengths are given.
"""

from __future__ import annotations

import torch

POOLING_TEMPERATURE = 0.1
TILE_IMAGES, TILE_CAPTIONS = 16, 256


def hard_alignment(images: torch.Tensor, captions: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
    """
    Scores (images, captions) of (images, N, D) and (captions, L, D), tokens of unit length.

    With `lengths` (captions,), a caption's words from its length on are padding and do not count.

    Tokens are kept on the outer axes, so that every reduction runs over long contiguous rows, and
    products of cosines are at most 1, so that the exponentials cannot overflow.
    """
    regions = images.transpose(0, 1)
    words = captions.transpose(0, 1)
    cosines = torch.matmul(regions.flatten(0, 1), words.flatten(0, 1).t())
    cosines = torch.unflatten(torch.unflatten(cosines, 0, regions.shape[:2]), 2, words.shape[:2])
    real = None
    if lengths is not None:
        real = torch.arange(len(words), device=lengths.device).unsqueeze(1) < lengths
        cosines = cosines.masked_fill(~real, -1.0)
    best_word = cosines.amax(dim=2)
    best_region = cosines.amax(dim=0).transpose(0, 1).contiguous()
    products = best_word.unsqueeze(1) * (best_region / POOLING_TEMPERATURE).unsqueeze(0)
    weights = products.exp() if real is None else products.exp() * real.unsqueeze(1)
    return weights.sum(dim=(0, 1)).log()


@torch.no_grad()
def score_matrix(images: torch.Tensor, captions: torch.Tensor) -> torch.Tensor:
    """`hard_alignment` of whole test sets, in tiles that fit a processor's cache."""
    rows = [
        torch.cat([hard_alignment(few, part) for part in torch.split(captions, TILE_CAPTIONS)], dim=1)
        for few in torch.split(images, TILE_IMAGES)
    ]
    return torch.cat(rows)
