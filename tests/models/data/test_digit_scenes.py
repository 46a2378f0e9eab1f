"""The digit scenes: no image in two splits, deterministic, and features that show their digits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.datasets import load_digits

from models.data import digit_scenes
from models.data.digit_scenes import Digit


def test_no_digit_image_is_in_two_splits() -> None:
    splits = [set(digit_scenes.image_indices(name).tolist()) for name in digit_scenes.SCENES]
    assert all(not a & b for a, b in itertools.combinations(splits, 2))
    assert len(set().union(*splits)) == 1797
    assert min(len(split) for split in splits) > 250


def test_scenes_use_images_of_their_split_only() -> None:
    rng = np.random.default_rng(0)
    allowed = set(digit_scenes.image_indices("dev").tolist())
    scenes = digit_scenes.draw_scenes("dev", rng)
    assert len(scenes) == 500
    assert {digit.image for scene in scenes for digit in scene} <= allowed
    assert {len(scene) for scene in scenes} == {3, 4}


def test_digits_of_a_scene_do_not_overlap() -> None:
    scenes = digit_scenes.draw_scenes("dev", np.random.default_rng(0))
    for scene in scenes:
        for a, b in itertools.combinations(scene, 2):
            assert max(abs(a.x - b.x), abs(a.y - b.y)) > 1 / 6 - 1e-9


def test_labels_are_those_of_the_images() -> None:
    labels = load_digits().target
    for scene in digit_scenes.draw_scenes("dev", np.random.default_rng(1)):
        assert all(labels[digit.image] == digit.label for digit in scene)


def test_unjittered_proposal_is_the_digit_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digit_scenes, "JITTER", 0.0)
    scene = [Digit(label=0, image=i, x=0.25 * i, y=0.5, size=0.2) for i in (1, 2, 3)]
    features = digit_scenes.region_features([scene], np.random.default_rng(0))[0]
    pixels = load_digits().data / 16.0
    owner = np.round((features[:, 68] / 4 + 0.5) / 0.25).astype(int)
    assert sorted(owner.tolist()) == [1] * 4 + [2] * 4 + [3] * 4
    np.testing.assert_allclose(features[:, :64], pixels[owner], atol=1e-6)
    x, y, width = features[:, 68] / 4 + 0.5, features[:, 69] / 4 + 0.5, features[:, 70] / 10 + 0.22
    np.testing.assert_allclose(features[:, 64] / 4 + 0.5, x - width / 2, atol=1e-6)
    np.testing.assert_allclose(features[:, 66] / 4 + 0.5, x + width / 2, atol=1e-6)
    np.testing.assert_allclose(width, 0.2, atol=1e-6)
    np.testing.assert_allclose(y, 0.5, atol=1e-6)


def test_jitter_makes_proposals_of_one_digit_differ() -> None:
    scene = [Digit(label=0, image=5, x=0.5, y=0.5, size=0.2)] * 3
    features = digit_scenes.region_features([scene], np.random.default_rng(0))[0]
    distances = np.abs(features[:, None] - features[None]).sum(axis=-1)
    assert (distances[~np.eye(12, dtype=bool)] > 0.1).all()


def test_a_picture_shows_crops_in_their_boxes_and_the_mean_where_they_overlap() -> None:
    def region(value: float, left: float, top: float, right: float, bottom: float) -> np.ndarray:
        box = 4.0 * (np.array([left, top, right, bottom]) - 0.5)
        return np.concatenate((np.full(64, value), box, np.zeros(4))).astype(np.float32)

    ramp = region(0.0, -0.25, 0.5, 0.25, 1.0)
    ramp[:64] = np.tile(np.arange(8) / 8, 8)
    drawn = digit_scenes.picture(np.stack((region(1.0, 0.0, 0.0, 0.5, 0.25), region(0.5, 0.25, 0.0, 1.0, 0.25), ramp)))
    expected = np.zeros((96, 96), np.float32)
    expected[:24, :24], expected[:24, 24:48], expected[:24, 48:] = 1.0, 0.75, 0.5
    expected[48:, :24] = np.repeat([0.5, 0.625, 0.75, 0.875], 6)
    np.testing.assert_allclose(drawn, expected, atol=1e-6)


def test_unknown_split_is_named() -> None:
    with pytest.raises(ValueError, match="no split 'val'; there are train, dev, test"):
        digit_scenes.image_indices("val")
