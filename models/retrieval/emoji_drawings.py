"""
The drawings that emoji networks learn from, and what networks are chosen by.

Of the 2,200 drawings of `train`, every 22nd is held out, never both of a concept: what a network makes of these says more of
known concepts in an unknown style than `dev`, whose concepts are unknown.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from models.data.emoji_styles import SEEN, group_names, load_split
from models.layers.neuron import l2_normalise
from models.networks.spikeclip.zero_shot import class_scores
from models.retrieval.emoji_metrics import accuracy, labels_of, pair_recalls, percent
from models.retrieval.emoji_texts import captions, class_texts

EVERY = 22
Encode = Callable[[torch.Tensor], torch.Tensor]


def held_out() -> NDArray[np.int64]:
    """100 rows of `train`, half of them in each style."""
    rows = np.arange(2 * SEEN)
    return rows[rows % EVERY == np.where(rows < SEEN, 0, EVERY // 2)]


def image_batches(rng: np.random.Generator, size: int) -> list[torch.Tensor]:
    """Rows of the other training images, shuffled; a batch shows a concept once, in one style."""
    rows = np.setdiff1d(np.arange(2 * SEEN), held_out())
    styles = [rng.permutation(style) for style in np.split(rows, 2)]
    batches = [style[: len(style) // size * size].reshape(-1, size) for style in styles]
    return [torch.from_numpy(batch) for batch in rng.permutation(np.concatenate(batches))]


@torch.no_grad()
def dev_metrics(see: Encode, read: Encode) -> dict[str, float]:
    """
    Of drawings held out: R@1 among the captions of all 1,100 concepts, and groups; `mean` of both decides.

    Of `dev`: R@1, R@5, R@10 of finding a concept among 80 unknown ones, mean of both styles; and groups.
    """
    data, train, rows = load_split("dev"), load_split("train"), torch.from_numpy(held_out())
    labels = labels_of(read(class_texts("groups").flatten(0, 1)), len(group_names()))
    features = in_portions(see, torch.from_numpy(train.pixels())[rows])
    similar = l2_normalise(features) @ l2_normalise(read(captions("train"))).T
    own = similar.gather(1, rows.unsqueeze(1) % SEEN)
    kept = {
        "R@1": percent((similar > own).sum(dim=1) < 1),
        "groups": accuracy(class_scores(features, labels), torch.from_numpy(train.groups)[rows]),
    }
    images, texts = in_portions(see, torch.from_numpy(data.pixels())), read(captions("dev"))
    both = [pair_recalls(style, texts) for style in images.chunk(2)]
    unseen = {f"unseen R@{k}": sum(each[f"i2t R@{k}"] for each in both) / 2 for k in (1, 5, 10)}
    unseen["unseen groups"] = accuracy(class_scores(images, labels), torch.from_numpy(data.groups))
    return {**kept, "mean": sum(kept.values()) / 2, **unseen}


@torch.no_grad()
def in_portions(encode: Encode, inputs: torch.Tensor) -> torch.Tensor:
    """Features of many samples, without the memory of all at once."""
    return torch.cat([encode(few) for few in torch.split(inputs, 100)])
