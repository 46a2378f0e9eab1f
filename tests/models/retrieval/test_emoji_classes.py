"""The losses of captions and groups against scores computed one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from models.data.emoji_styles import SEEN, load_split
from models.retrieval.emoji_classes import GROUP_WEIGHT, SCALE, EmojiClasses
from models.retrieval.emoji_texts import captions, class_texts


class Colours(nn.Module):
    """Three features of an image: its mean colours, whatever it is moved by."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(2).mean(dim=2)


class Lengths(nn.Module):
    """Three features of a text."""

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return torch.stack([(tokens > low).float().sum(dim=1) for low in (0, 100, 1000)], dim=1)


def test_losses_are_those_of_scores_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.retrieval.emoji_classes.altered_images", lambda images: images)
    rows = torch.tensor([3, SEEN + 5, 17])
    data = load_split("train")
    features = Colours()(torch.from_numpy(data.pixels())[rows])
    groups = [nn.functional.normalize(Lengths()(texts), dim=1).mean(dim=0) for texts in class_texts("groups")]
    classes = {
        "captions": (nn.functional.normalize(Lengths()(captions("train")), dim=1), [3, 5, 17], 1.0),
        "groups": (torch.stack(groups), [int(data.groups[row]) for row in rows], GROUP_WEIGHT),
    }
    own = EmojiClasses(Colours(), Lengths())
    assert sum(map(len, own.batches(np.random.default_rng(0), 25))) == 2 * SEEN - 100, "but for those held out"
    losses = own.losses(rows)
    assert losses.keys() == classes.keys()
    for name, (labels, right, weight) in classes.items():
        chances = [torch.softmax(SCALE * labels @ nn.functional.normalize(each, dim=0), dim=0) for each in features]
        wanted = -weight * sum(float(chance[own].log()) for chance, own in zip(chances, right, strict=True)) / 3
        assert float(losses[name]) == pytest.approx(wanted, rel=1e-4)
