"""
Bidirectional hard alignment: CMSF's similarity of an image and a caption.

With c the cosines of all region-word pairs, `a_r = max_w c`, `b_w = max_r c`:

    s = log sum_{r,w} exp(a_r b_w / 0.1)

As published every token counts, padding words too.
"""

from __future__ import annotations

import torch

POOLING_TEMPERATURE = 0.1
CHUNK_IMAGES, CHUNK_CAPTIONS = 16, 256


def hard_alignment(images: torch.Tensor, captions: torch.Tensor) -> torch.Tensor:
    """
    Scores (images, captions) of (images, N, D) and (captions, L, D), tokens of unit length.

    Tokens are kept on the outer axes, so that every reduction runs over long contiguous rows, and
    products of cosines are at most 1, so that the exponentials cannot overflow.
    """
    regions = images.transpose(0, 1)
    words = captions.transpose(0, 1)
    cosines = torch.matmul(regions.flatten(0, 1), words.flatten(0, 1).t())
    cosines = cosines.unflatten(0, regions.shape[:2]).unflatten(2, words.shape[:2])
    best_word = cosines.amax(dim=2)
    best_region = cosines.amax(dim=0).transpose(0, 1).contiguous()
    products = best_word.unsqueeze(1) * (best_region / POOLING_TEMPERATURE).unsqueeze(0)
    return products.exp().sum(dim=(0, 1)).log()


@torch.no_grad()
def score_matrix(images: torch.Tensor, captions: torch.Tensor) -> torch.Tensor:
    """`hard_alignment` of whole test sets, in chunks that fit a processor's cache."""
    rows = [
        torch.cat([hard_alignment(few, part) for part in captions.split(CHUNK_CAPTIONS)], dim=1)
        for few in images.split(CHUNK_IMAGES)
    ]
    return torch.cat(rows)
