"""
CMSF's task on emoji: that of `models.retrieval.emoji_task`, the same images, texts and metrics, by CMSF's similarity of tokens.

Padded regions and padded words do not count. The score of a group is the mean of the scores of its name in five templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.networks.cmsf.parts import fusion_inputs
from models.retrieval import emoji_task
from models.retrieval.emoji_task import RECALLS, EmojiTask, caption_examples, split_metrics
from models.retrieval.emoji_texts import class_texts
from models.retrieval.emoji_tokens.features import Tokens, regions_of, words_of
from models.retrieval.similarity import Real, embeddings, score_matrix
from models.training.task_examples import ShownExample, shown

Arrays = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class EmojiTokensTask:
    """Inputs and metrics of image-text retrieval on emoji in an unseen style."""

    parts: ClassVar[tuple[str, ...]] = ("image", "text")
    """What retrieval runs; the fusion teaches and is not measured."""
    metric_names: ClassVar[tuple[str, ...]] = ("unseen i2t R@1", "unseen groups", "groups", *RECALLS, "R@Sum")
    """Those of `EmojiTask`, R@Sum last."""
    encoders: Mapping[str, nn.Module]
    """Those whose outputs feed the `fusion` part."""

    def inputs(self, part: str) -> Arrays:
        """
        Regions of 1,260 images, words of 1,300 texts, or what the fusion gets for the 1,260 pairs.

        Raises:
            ValueError: for an unknown part.
        """
        regions, words = regions_and_words()
        if part == "image":
            return {"regions": regions.features.numpy()}
        if part == "text":
            return {"words": words.features.numpy()}
        if part == "fusion":
            pairs = fusion_inputs(self.encoders, regions.features, words.features[: len(regions.features)])
            return {name: value.numpy() for name, value in pairs.items()}
        raise ValueError(f"no part {part!r}; there are image, text, fusion")

    def metrics(self, outputs: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> dict[str, float]:
        """
        Percentages from `{part: {"emb": array}}`, in the order of `inputs`.

        Raises:
            ValueError: if the embeddings of a part are missing.
        """
        images, texts = embeddings(outputs)
        regions, words = regions_and_words()
        scores = score_matrix(images, texts, Real(regions.real, words.real))
        groups = scores[:, len(images) :].unflatten(1, class_texts("groups").shape[:2]).mean(dim=2)
        result = split_metrics(scores[:, : len(images)], groups)
        return {name: result[name] for name in self.metric_names}

    def examples(self, outputs: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> list[ShownExample]:
        """As `caption_examples` chooses them, by the same scores."""
        images, texts = embeddings(outputs)
        chosen, captions = shown(len(images)), slice(len(images))
        regions, words = regions_and_words()
        real = Real(regions.real[chosen], words.real[captions])
        return caption_examples(score_matrix(images[chosen], texts[captions], real))

    @torch.no_grad()
    def measured(self) -> dict[str, float]:
        """Metrics of the `encoders`."""
        embeddings = (
            self.encoders[part](tokens.features).emb
            for part, tokens in zip(self.parts, regions_and_words(), strict=True)
        )
        return self.metrics({part: {"emb": emb.numpy()} for part, emb in zip(self.parts, embeddings, strict=True)})


@lru_cache(maxsize=1)
def regions_and_words() -> tuple[Tokens, Tokens]:
    """Of all test images, and of all texts."""
    inputs = EmojiTask()
    pixels, ids = (torch.from_numpy(*inputs.inputs(part).values()) for part in inputs.parts)
    return regions_of(pixels), words_of(ids)


def example_pairs(samples: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Regions (samples, 16, 72) and words (samples, 16, 64) of training images, as `emoji_task.example_pairs` draws them.

    Raises:
        ValueError: for more samples than there are.
    """
    pixels, tokens = emoji_task.example_pairs(samples, seed)
    return regions_of(pixels).features, words_of(tokens).features
