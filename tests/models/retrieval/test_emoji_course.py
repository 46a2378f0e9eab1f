"""The dual losses of captions and groups against scores computed one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from models.data.emoji_styles import SEEN, load_split
from models.networks.spikeclip.teacher import FloatsTeacher
from models.retrieval.emoji_course import GROUP_WEIGHT, EmojiCourse
from models.retrieval.emoji_texts import captions, class_texts


class Colours(nn.Module):
    """Three features of an image: its mean colours, whatever it is moved by."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(2).mean(dim=2)


class Lengths(nn.Module):
    """Three features of a text."""

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return torch.stack([(tokens > low).float().sum(dim=1) for low in (0, 100, 1000)], dim=1)


class Corners(nn.Module):
    """Three features of an image: the red of three places."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, 0, (0, 10, 20), (0, 15, 10)] + 0.1


SCALE = 5.0


def chances(feature: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return torch.softmax(SCALE * labels @ nn.functional.normalize(feature, dim=0), dim=0)


@pytest.mark.parametrize("shares", [(1.0, 0.0), (0.5, 2.0)])
def test_losses_are_those_of_scores_one_by_one(monkeypatch: pytest.MonkeyPatch, shares: tuple[float, float]) -> None:
    monkeypatch.setattr("models.retrieval.emoji_course.altered_images", lambda images: images)
    rows = torch.tensor([3, SEEN + 5, 17])
    data = load_split("train")
    images = torch.from_numpy(data.pixels())[rows]
    groups = [nn.functional.normalize(Lengths()(texts), dim=1).mean(dim=0) for texts in class_texts("groups")]
    classes = {
        "captions": (nn.functional.normalize(Lengths()(captions("train")), dim=1), [3, 5, 17], 1.0),
        "groups": (torch.stack(groups), [int(data.groups[row]) for row in rows], GROUP_WEIGHT),
    }
    own = EmojiCourse(Colours(), Lengths(), FloatsTeacher(Corners(), Lengths(), SCALE), shares)
    assert sum(map(len, own.batches(np.random.default_rng(0), 25))) == 2 * SEEN - 100, "but for those held out"
    losses = own.tune_losses(rows)
    assert losses.keys() == classes.keys()
    for name, (labels, right, weight) in classes.items():
        wanted = 0.0
        for image, own_class in zip(images, right, strict=True):
            mine = chances(Colours()(image[None])[0], labels)
            taught = chances(Corners()(image[None])[0], labels)
            kl = float((taught * (taught / mine).log()).sum())
            wanted += weight * (shares[1] * kl - shares[0] * float(mine[own_class].log())) / 3
        assert float(losses[name].detach()) == pytest.approx(wanted, rel=1e-4)


def test_floats_teach_as_they_were() -> None:
    """What learns from them afterwards does not move them."""
    image = nn.Linear(4, 3)
    teacher = FloatsTeacher(image, Lengths(), SCALE)
    before = teacher.image_features(torch.ones(2, 4))
    with torch.no_grad():
        image.weight.mul_(-3)
    assert torch.equal(teacher.image_features(torch.ones(2, 4)), before)
    assert not torch.equal(image(torch.ones(2, 4)), before)
