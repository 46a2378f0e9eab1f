"""CMSF's training data of digit scenes: an epoch sees every scene once, with one of its captions."""

from __future__ import annotations

import numpy as np
import torch

from models.data import digits
from models.networks.cmsf.config import CmsfConfig
from models.retrieval.cmsf_training import PairBatch, PairData, Parts, cmsf_training
from models.retrieval.metrics import CAPTIONS_PER_IMAGE, recalls
from models.retrieval.similarity import score_matrix
from models.training.stage import Training

EPOCHS, PATIENCE, BATCH = 24, 12, 64


def digits_training(config: CmsfConfig, seed: int, epochs: int | None = None) -> Training:
    """One stage from the published initialisation."""
    return cmsf_training(config, PairData(scene_batches, retrieval_metrics, EPOCHS, PATIENCE, BATCH), seed, epochs)


def scene_batches(rng: np.random.Generator) -> list[PairBatch]:
    """Shuffled full batches of scenes with one caption each; padding words count, as published."""
    train = digits.load_split("train")
    order = rng.permutation(len(train.regions))
    choice = order * CAPTIONS_PER_IMAGE + rng.integers(0, CAPTIONS_PER_IMAGE, len(order))
    words = train.words()
    starts = range(0, len(order) - BATCH + 1, BATCH)
    pairs = [(order[start : start + BATCH], choice[start : start + BATCH]) for start in starts]
    return [PairBatch(torch.from_numpy(train.regions[s]), torch.from_numpy(words[c])) for s, c in pairs]


@torch.no_grad()
def retrieval_metrics(parts: Parts, split: str) -> dict[str, float]:
    """Retrieval metrics of the encoders on a whole split."""
    data = digits.load_split(split)
    images = parts["image"](torch.from_numpy(data.regions.copy())).emb
    captions = parts["text"](torch.from_numpy(data.words())).emb
    return recalls(score_matrix(images, captions).numpy())
