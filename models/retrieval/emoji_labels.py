"""Zero-shot classification of the test images by names alone, in every label set: seen, expanded and unseen ones."""

from __future__ import annotations

import torch

from models.data.emoji_styles import label_set, load_split
from models.networks.spikeclip.zero_shot import class_scores
from models.retrieval.emoji_drawings import Encode, in_portions
from models.retrieval.emoji_metrics import accuracy, labels_of
from models.retrieval.emoji_texts import class_texts

LABEL_SETS = {"test-style": ("seen", "expanded", "subgroups"), "test-concepts": ("unseen", "expanded", "subgroups")}
"""By split: those that have a name for all its images."""


@torch.no_grad()
def label_set_accuracies(see: Encode, read: Encode) -> dict[str, float]:
    """Percent right by split and label set, `test-style expanded`: a class is its name in five templates."""
    names = sorted({labels for each in LABEL_SETS.values() for labels in each})
    matrices = {
        name: labels_of(in_portions(read, class_texts(name).flatten(0, 1)), len(class_texts(name))) for name in names
    }
    result = dict[str, float]()
    for split, sets in LABEL_SETS.items():
        data = load_split(split)
        features = in_portions(see, torch.from_numpy(data.pixels()))
        for name in sets:
            right = torch.from_numpy(label_set(name).of_concept[data.concepts])
            result[f"{split} {name}"] = accuracy(class_scores(features, matrices[name]), right)
    return result
