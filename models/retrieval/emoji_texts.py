"""The texts that emoji are found by, as token ids: captions, names in templates, groups."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from models.data.emoji_styles import concept_indices, label_set, load_concepts
from models.data.emoji_words import TEMPLATES, token_ids

KEPT = 0.7
"""Share of a caption's words that an altered one keeps."""


@lru_cache(maxsize=8)
def captions(split: str) -> torch.Tensor:
    """(concepts, 20) ids of name and keywords, concepts in the order of the split's images of one style."""
    every = load_concepts()
    return torch.from_numpy(token_ids([every[int(index)].caption for index in concept_indices(split)]))


@lru_cache(maxsize=8)
def class_texts(labels: str) -> torch.Tensor:
    """(classes, 5 templates, 20) ids of a label set's names in every template."""
    texts = [[template.format(name) for template in TEMPLATES] for name in label_set(labels).names]
    return torch.stack([torch.from_numpy(token_ids(each)) for each in texts])


def altered(tokens: torch.Tensor) -> torch.Tensor:
    """The words of each text (n, 20) in another order, three of ten left out, but never all; padded at the end."""
    keep = (torch.rand(tokens.shape) < KEPT) & (tokens != 0)
    keep[:, 0] |= ~keep.any(dim=1)
    order = torch.where(keep, torch.rand(tokens.shape), 2.0).argsort(dim=1)
    return torch.where(keep, tokens, 0).gather(1, order)


def text_batches(rng: np.random.Generator, size: int) -> list[torch.Tensor]:
    """All captions of the training, all captions altered, names of concepts in a template each, and groups' names."""
    own, names = captions("train"), class_texts("seen")
    named = names[torch.arange(len(names)), torch.from_numpy(rng.integers(0, names.shape[1], len(names)))]
    texts = torch.cat((own, altered(own), named, class_texts("groups").flatten(0, 1)))
    return list(torch.split(texts[torch.from_numpy(rng.permutation(len(texts)))], size))
