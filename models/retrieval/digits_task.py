"""The task of the `digits` configurations: retrieval over 1,000 test scenes and 5,000 captions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.data.digit_scenes import picture
from models.data.digits import load_split
from models.networks.cmsf.parts import fusion_inputs
from models.retrieval.metrics import CAPTIONS_PER_IMAGE, RANKS, recalls
from models.retrieval.similarity import embeddings, score_matrix
from models.training.task_examples import ShownExample, best_names, shown

Arrays = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class DigitsTask:
    """Inputs and metrics of image-text retrieval on the digit scenes."""

    parts: ClassVar[tuple[str, ...]] = ("image", "text")
    """What retrieval runs; the fusion teaches and is not measured."""
    metric_names: ClassVar[tuple[str, ...]] = (*(f"{way} R@{k}" for way in ("i2t", "t2i") for k in RANKS), "R@Sum")
    """Those of `metrics`, in order."""
    encoders: Mapping[str, nn.Module]
    """Those whose outputs feed the `fusion` part."""

    def inputs(self, part: str, split: str = "test") -> Arrays:
        """
        Whole split: `image` one row per scene, `text` five, `fusion` one with the first caption.

        Raises:
            ValueError: for an unknown part or split.
        """
        data = load_split(split)
        if part == "image":
            return {"regions": data.regions}
        if part == "text":
            return {"words": data.words()}
        if part == "fusion":
            words = torch.from_numpy(data.words()[::CAPTIONS_PER_IMAGE])
            pairs = fusion_inputs(self.encoders, torch.from_numpy(data.regions.copy()), words)
            return {name: value.numpy() for name, value in pairs.items()}
        raise ValueError(f"no part {part!r}; there are image, text, fusion")

    def metrics(self, outputs: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> dict[str, float]:
        """
        R@1, R@5, R@10 both ways in percent and their sum, from `{part: {"emb": array}}`.

        Rows in the order of `inputs`: n images (n, 12, D) with their captions (5n, 12, D).

        Raises:
            ValueError: if the embeddings of a part are missing or do not match.
        """
        return recalls(score_matrix(*embeddings(outputs)).numpy())

    def examples(self, outputs: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> list[ShownExample]:
        """Scenes of the test split at equal distances, drawn from their regions, with the captions that fit them best."""
        images, captions = embeddings(outputs)
        data, chosen, found = load_split("test"), shown(len(images)), list[ShownExample]()
        for scene, scores in zip(chosen, score_matrix(images[chosen], captions).numpy(), strict=True):
            expected = [*data.captions[CAPTIONS_PER_IMAGE * scene :][:CAPTIONS_PER_IMAGE]]
            answers = best_names(scores, data.captions, expected)
            image = 1.0 - picture(data.regions[scene])
            found.append({"sample": f"scene {scene}", "answers": answers, "expected": expected, "image": image})
        return found


def example_pairs(samples: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Regions (samples, 12, 72) of dev scenes and words (samples, 12, 64) of one of their captions, in an order by `seed`.

    Raises:
        ValueError: for more samples than there are dev scenes.
    """
    data = load_split("dev")
    if not 0 < samples <= len(data.regions):
        raise ValueError(f"{samples} samples asked for; there are 1 to {len(data.regions)}")
    rng = np.random.default_rng(seed)
    scenes = rng.permutation(len(data.regions))[:samples]
    captions = scenes * CAPTIONS_PER_IMAGE + rng.integers(0, CAPTIONS_PER_IMAGE, samples)
    return torch.from_numpy(data.regions[scenes]), torch.from_numpy(data.words()[captions])
