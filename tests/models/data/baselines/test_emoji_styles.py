"""The small network that sees and reads."""

from __future__ import annotations

import pytest
import torch

from models.data.baselines.emoji_styles import SeeAndRead, altered, bags, loss, scores, train
from models.data.emoji_styles import load_split
from models.data.emoji_words import vocabulary


def test_bags_have_length_one_at_most():
    lengths = bags(load_split("test-concepts")).norm(dim=1)
    assert lengths.max() <= 1.0 + 1e-6
    assert (lengths > 0).sum() > 150


def test_altered_drawings_stay_drawings():
    torch.manual_seed(0)
    images = torch.from_numpy(load_split("dev").pixels()[:16])
    other = altered(images)
    assert other.shape == images.shape
    assert other.min() >= 0.0
    assert other.max() <= 1.0
    assert (other[:, :, 0, 0] > 0.9).float().mean() > 0.8
    assert (other - images).abs().mean() > 0.02


@pytest.mark.parametrize("kind", ["spiking", "relu"])
def test_the_loss_reaches_everything(kind: str):
    torch.manual_seed(0)
    network = SeeAndRead(kind, len(vocabulary()))
    data = load_split("dev")
    images, groups = torch.from_numpy(data.pixels()[:12]), torch.from_numpy(data.groups[:12])
    loss(network, images, bags(data)[:12], groups).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.slow
def test_it_learns():
    """Two epochs: many times better than chance (0.9 % and 12.5 %)."""
    torch.manual_seed(0)
    network = SeeAndRead("relu", len(vocabulary()))
    train(network, 2)
    result = scores(network, load_split("train"))
    assert result["R@10"] > 4.0
    assert result["groups"] > 22.0
