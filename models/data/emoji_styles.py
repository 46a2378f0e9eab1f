"""
Emoji as concepts: 1,340 of them, each drawn in three styles, named in a few words, in 8 groups and 92 subgroups.

Styles are Twitter's (Twemoji), Google's (Noto) and Microsoft's (Fluent, flat). 1,100 concepts in the first two are for training.
What is tested is the third style, which no training has seen:

| split | concepts | styles | images |
|---|---|---|---|
| `train` | 1,100 seen | twitter, google | 2,200 |
| `dev` | 80 of their own | twitter, google | 160 |
| `test-style` | the 1,100 seen | fluent | 1,100 |
| `test-concepts` | 160 unseen | fluent | 160 |

`label_set` gives names to classify by without training for it. Words are in `models.data.emoji_words`, licences beside the
arrays.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ARRAYS = Path(__file__).parent / "arrays"
SIDE = 32
SPLIT_SEED = 2026
SEEN, DEV = 1100, 80
"""How many concepts are trained with, and how many of the rest are for selection."""
TRAIN_STYLES, TEST_STYLES = ("twitter", "google"), ("fluent",)
STYLES = {"train": TRAIN_STYLES, "dev": TRAIN_STYLES, "test-style": TEST_STYLES, "test-concepts": TEST_STYLES}
LABEL_SETS = ("groups", "subgroups", "seen", "expanded", "unseen")


@dataclass(frozen=True)
class Concept:
    """An emoji by its meaning."""

    code: str
    """Unicode code points in hexadecimal, joined by `-`."""
    name: str
    keywords: tuple[str, ...]
    group: str
    subgroup: str

    @property
    def caption(self) -> str:
        """Name and keywords, 2 to 24 words."""
        return " ".join((self.name, *self.keywords))


@dataclass(frozen=True)
class EmojiSplit:
    """Images, style after style, concepts in the same order in each."""

    images: NDArray[np.uint8]
    """(n, 32, 32, 3) red, green, blue on white."""
    concepts: NDArray[np.int64]
    """(n,) indices into `load_concepts()`."""
    groups: NDArray[np.int64]
    """(n,) indices into `group_names()`."""
    styles: tuple[str, ...]
    """Of each image."""

    def pixels(self) -> NDArray[np.float32]:
        """(n, 3, 32, 32) in 0..1."""
        return np.ascontiguousarray(self.images.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255.0)

    def captions(self) -> tuple[str, ...]:
        """Name and keywords of what each image shows."""
        every = load_concepts()
        return tuple(every[int(index)].caption for index in self.concepts)


@dataclass(frozen=True)
class LabelSet:
    """Candidate names, and which of them is right."""

    names: tuple[str, ...]
    of_concept: NDArray[np.int64]
    """(1340,) index into `names` for each concept, -1 where none is right."""


@lru_cache(maxsize=1)
def load_concepts() -> tuple[Concept, ...]:
    """All concepts, in the order of the arrays."""
    rows: list[tuple[str, str, list[str], str, str]] = json.loads(
        (ARRAYS / "emoji-concepts.json").read_text(encoding="utf-8")
    )
    return tuple(Concept(code, name, tuple(keywords), group, sub) for code, name, keywords, group, sub in rows)


def group_names() -> tuple[str, ...]:
    """The 8 groups in alphabetical order."""
    return tuple(sorted({concept.group for concept in load_concepts()}))


def concept_indices(split: str) -> NDArray[np.int64]:
    """
    The concepts of `split`, in ascending order.

    Raises:
        ValueError: for another split than there are.
    """
    if split not in STYLES:
        raise ValueError(f"no split {split!r}; there are {', '.join(STYLES)}")
    order = np.random.default_rng(SPLIT_SEED).permutation(len(load_concepts()))
    seen, dev, unseen = np.split(order, (SEEN, SEEN + DEV))
    return np.sort({"train": seen, "dev": dev, "test-style": seen, "test-concepts": unseen}[split])


@lru_cache(maxsize=4)
def load_split(split: str) -> EmojiSplit:
    """
    The images of `train`, `dev`, `test-style` or `test-concepts`.

    Raises:
        ValueError: for any other name.
    """
    indices, styles = concept_indices(split), STYLES[split]
    images = np.concatenate([_images(style)[indices] for style in styles])
    images.setflags(write=False)
    concepts = np.tile(indices, len(styles))
    groups = label_set("groups").of_concept[concepts]
    return EmojiSplit(images, concepts, groups, tuple(style for style in styles for _ in indices))


def _images(style: str) -> NDArray[np.uint8]:
    with np.load(ARRAYS / f"emoji-{style}.npz", allow_pickle=False) as arrays:
        return arrays["images"]


def label_set(name: str) -> LabelSet:
    """
    What an image may be called.

    `groups` (8) and `subgroups` (92) sort all concepts; `seen` has the names of the 1,100 concepts of the training, `expanded`
    those of all 1,340, so that names never trained for compete, and `unseen` those of `test-concepts` alone.

    Raises:
        ValueError: for another name.
    """
    if name not in LABEL_SETS:
        raise ValueError(f"no label set {name!r}; there are {', '.join(LABEL_SETS)}")
    every = load_concepts()
    if name in ("groups", "subgroups"):
        labels = [concept.group if name == "groups" else concept.subgroup for concept in every]
        names = sorted(set(labels))
        return LabelSet(tuple(names), np.array([names.index(label) for label in labels], dtype=np.int64))
    chosen = {"seen": "train", "unseen": "test-concepts"}
    indices = concept_indices(chosen[name]) if name in chosen else np.arange(len(every))
    of_concept = np.full(len(every), -1, dtype=np.int64)
    of_concept[indices] = np.arange(len(indices))
    return LabelSet(tuple(every[int(index)].name for index in indices), of_concept)
