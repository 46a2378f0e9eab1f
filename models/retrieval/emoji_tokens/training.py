"""
CMSF's training data of emoji: an epoch sees every image of the `train` split once, altered, with some words of its caption.

Features are made anew from every altered image. Dev metrics are of 80 concepts of their own, in both styles.
"""

from __future__ import annotations

import numpy as np
import torch

from models.data.baselines.emoji_styles import altered as altered_images
from models.data.emoji_styles import SEEN, load_split
from models.networks.cmsf.config import CmsfConfig
from models.retrieval.cmsf_training import PairBatch, PairData, Parts, cmsf_training
from models.retrieval.emoji_metrics import score_recalls
from models.retrieval.emoji_texts import altered, captions
from models.retrieval.emoji_tokens.features import regions_of, words_of
from models.retrieval.emoji_tokens.task import EmojiTokensTask
from models.retrieval.similarity import Real, score_matrix
from models.training.stage import Training

EPOCHS, BATCH = 40, 50


def emoji_tokens_training(config: CmsfConfig, seed: int, epochs: int | None = None) -> Training:
    """One stage from the published initialisation."""
    return cmsf_training(config, PairData(pair_batches, metrics, EPOCHS, EPOCHS, BATCH), seed, epochs)


def pair_batches(rng: np.random.Generator) -> list[PairBatch]:
    """Shuffled full batches; a batch shows a concept once, in one style."""
    pixels = torch.from_numpy(load_split("train").pixels())
    rows = np.concatenate([first + rng.permutation(SEEN) for first in (0, SEEN)])
    batches = rng.permutation(rows.reshape(-1, BATCH))
    return [_pairs(pixels[batch], torch.from_numpy(batch)) for batch in batches]


def _pairs(pixels: torch.Tensor, rows: torch.Tensor) -> PairBatch:
    regions = regions_of(altered_images(pixels))
    words = words_of(altered(captions("train")[rows % SEEN]))
    return PairBatch(regions.features, words.features, Real(regions.real, words.real))


def metrics(parts: Parts, split: str) -> dict[str, float]:
    """Those of the task, for `test`; recalls among the concepts of `dev`, mean of both styles, and their sum."""
    if split == "test":
        return EmojiTokensTask(parts).measured()
    pixels, words = torch.from_numpy(load_split("dev").pixels()), words_of(captions("dev"))
    texts = parts["text"](words.features).emb
    each = [_dev_recalls(parts, style, texts, words.real) for style in pixels.chunk(2)]
    result = {name: (each[0][name] + each[1][name]) / 2 for name in each[0]}
    return {**result, "R@Sum": sum(result.values())}


@torch.no_grad()
def _dev_recalls(parts: Parts, pixels: torch.Tensor, texts: torch.Tensor, real_words: torch.Tensor) -> dict[str, float]:
    regions = regions_of(pixels)
    scores = score_matrix(parts["image"](regions.features).emb, texts, Real(regions.real, real_words))
    return score_recalls(scores)
