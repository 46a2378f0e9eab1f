"""Parts from a configuration: initialisation, seeds, random inputs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.networks.spikeclip.parts import initial_parts, random_inputs
from tests.models.networks.spikeclip.oracle import SMALL


def test_published_initialisation() -> None:
    image = initial_parts(replace(SMALL, D=64, E=64), seed=0)["image"].state_dict()
    assert image["proj.weight"].std().item() == pytest.approx(0.02, rel=0.1)
    assert image["proj.bias"].abs().max() == 0
    assert image["weights_tensor"].flatten().tolist() == pytest.approx([-2.3026, -1.6094, -0.9163, -0.2231])


def test_parts_are_seeded_and_leave_the_global_seed_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first, again, other = (initial_parts(SMALL, seed)["text"].state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not torch.equal(first["fc1.weight"], other["fc1.weight"])


def test_random_inputs_are_images_and_padded_texts() -> None:
    first, again, other = (random_inputs(SMALL, samples=40, seed=seed) for seed in (3, 3, 4))
    images, tokens = first["image"]["images"], first["text"]["tokens"]
    assert torch.equal(images, again["image"]["images"])
    assert not torch.equal(images, other["image"]["images"])
    assert images.shape == (40, 3, 8, 8)
    assert 0 <= images.min() < images.max() <= 1
    assert tokens.shape == (40, SMALL.words)
    assert 0 <= tokens.min() < tokens.max() < SMALL.vocabulary
    real = tokens > 0
    assert real[:, 0].all()
    assert (real[:, :-1] >= real[:, 1:]).all(), "padding is at the end"
