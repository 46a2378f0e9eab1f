"""
SpikeCLIP's task: emoji in an unseen style, found by their words, and sorted into groups by the groups' names.

Images are those of `test-style`, 1,100 concepts of the training, then those of `test-concepts`, 160 others. Texts are the
captions of both in the same order, then the eight groups' names in five templates each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from models.data.emoji_styles import SEEN, load_concepts, load_split
from models.networks.spikeclip.zero_shot import class_scores
from models.retrieval.emoji_metrics import RANKS, accuracy, cosines, labels_of, score_recalls
from models.retrieval.emoji_texts import captions, class_texts
from models.training.task_examples import ShownExample, best_names, shown

SPLITS = ("test-style", "test-concepts")
RECALLS = tuple(f"{way} R@{k}" for way in ("i2t", "t2i") for k in RANKS)
Arrays = dict[str, NDArray[np.float32] | NDArray[np.int64]]


class EmojiTask:
    """Inputs and metrics; `python -m compile` measures source, floats and integers by them."""

    parts: ClassVar[tuple[str, ...]] = ("image", "text")
    metric_names: ClassVar[tuple[str, ...]] = ("unseen i2t R@1", "unseen groups", *RECALLS, "R@Sum", "groups")
    """Of `test-concepts` (`unseen`) and of `test-style`; in percent, R@Sum the sum of six."""

    def inputs(self, part: str) -> Arrays:
        """
        All images, (1260, 3, 32, 32), or all texts, (1300, 20).

        Raises:
            ValueError: for an unknown part.
        """
        if part == "image":
            return {"images": np.concatenate([load_split(split).pixels() for split in SPLITS])}
        if part == "text":
            return {"tokens": torch.cat([*map(captions, SPLITS), class_texts("groups").flatten(0, 1)]).numpy()}
        raise ValueError(f"no part {part!r}; there are image, text")

    def metrics(self, outputs: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> dict[str, float]:
        """Percentages from `{part: {output: features}}`, in the order of `inputs`."""
        images, texts = (_features(outputs[part]) for part in self.parts)
        captions, groups = texts[: len(images)], labels_of(texts[len(images) :], len(class_texts("groups")))
        result = split_metrics(cosines(images, captions), class_scores(images, groups))
        return {name: result[name] for name in self.metric_names}

    def examples(self, outputs: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> list[ShownExample]:
        """As `caption_examples` chooses them, by the same scores."""
        images, texts = (_features(outputs[part]) for part in self.parts)
        return caption_examples(cosines(images[shown(len(images))], texts[: len(images)]))


def split_metrics(scores: torch.Tensor, groups: torch.Tensor) -> dict[str, float]:
    """`EmojiTask.metric_names` of scores (1260, 1260) of images and captions, and (1260, 8) of images and groups."""
    start, result = 0, dict[str, float]()
    for split in SPLITS:
        data = load_split(split)
        rows = slice(start, start + len(data.groups))
        recalls = score_recalls(scores[rows, rows])
        group = accuracy(groups[rows], torch.from_numpy(data.groups))
        if split == "test-style":
            result |= {**recalls, "R@Sum": sum(recalls.values()), "groups": group}
        else:
            result |= {"unseen i2t R@1": recalls["i2t R@1"], "unseen groups": group}
        start = rows.stop
    return result


def caption_examples(scores: torch.Tensor) -> list[ShownExample]:
    """
    Drawings of both splits at equal distances, and what the captions of their split that fit them best are about.

    Args:
        scores: (12, 1260) of the images that are `shown`, and all captions.
    """
    every = load_concepts()
    names = [every[int(index)].name for split in SPLITS for index in load_split(split).concepts]
    seen, found = len(load_split(SPLITS[0]).images), list[ShownExample]()
    for index, own in zip(shown(len(names)), scores.numpy(), strict=True):
        rivals = slice(seen) if index < seen else slice(seen, None)
        expected = [names[index]]
        found.append(drawing_example(index, best_names(own[rivals], names[rivals], expected), expected))
    return found


def drawing_example(index: int, answers: list[str], expected: list[str]) -> ShownExample:
    """The image of this index, with answers."""
    seen = len(load_split(SPLITS[0]).images)
    split, row = (SPLITS[0], index) if index < seen else (SPLITS[1], index - seen)
    image = load_split(split).images[row]
    return {"sample": f"drawing {row} of {split}", "answers": answers, "expected": expected, "image": image}


def example_pairs(samples: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Training images (samples, 3, 32, 32) with their captions (samples, 20), in an order by `seed`.

    Raises:
        ValueError: for more samples than there are.
    """
    pixels = load_split("train").pixels()
    if not 0 < samples <= len(pixels):
        raise ValueError(f"{samples} samples asked for; there are 1 to {len(pixels)}")
    rows = np.random.default_rng(seed).permutation(len(pixels))[:samples]
    return torch.from_numpy(pixels[rows]), captions("train")[torch.from_numpy(rows % SEEN)]


def _features(outputs: Mapping[str, NDArray[np.float32]]) -> torch.Tensor:
    (features,) = outputs.values()
    return torch.from_numpy(np.array(features, dtype=np.float32))
