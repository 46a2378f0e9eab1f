"""Frames are the image moved, and noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import affine_transform

from models.data import digit_frames
from models.data.digit_frames import draw_frames, draw_images, load_split, other_hands, pictures
from models.data.digit_scenes import digit_images, image_indices


def test_without_noise_every_frame_is_the_image_shifted():
    images = np.array([3, 500, 1700])
    frames = draw_frames(pictures(images), 6, 0.0, np.random.default_rng(0))
    assert frames.shape == (3, 6, 1, 16, 16)
    doubled = np.kron(digit_images()[0][images], np.ones((1, 2, 2)))
    padded = np.pad(doubled, ((0, 0), (2, 2), (2, 2)))
    places = set[tuple[int, int]]()
    for image, film in enumerate(frames[:, :, 0]):
        for frame in film:
            fits = [
                (r, c) for r in range(5) for c in range(5) if (padded[image, r : r + 16, c : c + 16] == frame).all()
            ]
            assert fits
            places |= set(fits)
    assert len(places) > 5


def test_levels_are_64ths():
    film = draw_frames(pictures(np.arange(8)), 2, 0.8, np.random.default_rng(3)) * 64
    np.testing.assert_array_equal(film, np.round(film))


def test_noise_is_fresh_in_every_frame_and_has_its_size():
    """An image's empty corner: half of the Gaussian is cut at 0, so the mean square is sigma^2 / 2."""
    film = draw_frames(pictures(np.zeros(400, dtype=np.int64)), 4, 0.2, np.random.default_rng(1))
    corner = film[:, :, 0, 0, 0]
    assert np.mean(corner**2) == pytest.approx(0.02, rel=0.1)
    assert abs(np.corrcoef(corner[:, 0], corner[:, 1])[0, 1]) < 0.15
    assert film.min() == 0.0
    assert film.max() == 1.0
    assert film.dtype == np.float32


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_images_show_the_digits_and_are_of_the_split(split: str):
    labels = np.repeat(np.arange(10), 20)
    images = draw_images(labels, split, np.random.default_rng(2))
    np.testing.assert_array_equal(digit_images()[1][images], labels)
    assert set(images.tolist()) <= set(image_indices(split).tolist())
    assert len(set(images.tolist())) > 100


def test_other_hands_turn_stretch_and_slant_the_picture():
    """scipy's affine transform of each picture by the same numbers."""
    digits, rng = pictures(np.arange(20)), np.random.default_rng(0)
    angle, slant = rng.uniform(-0.2, 0.2, 20), rng.uniform(-0.2, 0.2, 20)
    stretch = rng.uniform(0.85, 1.15, size=(2, 20))
    copies = other_hands(digits, np.random.default_rng(0))
    for n, copy in enumerate(copies):
        cos, sin = np.cos(angle[n]), np.sin(angle[n])
        matrix = np.array([[1, 0], [slant[n], 1]]) @ np.array([[cos, sin], [-sin, cos]]) @ np.diag(stretch[:, n])
        expected = affine_transform(
            digits[n].astype(np.float64), matrix, 7.5 - matrix @ np.full(2, 7.5), order=1, mode="grid-constant"
        )
        np.testing.assert_allclose(copy, expected, atol=1e-6)
    assert np.abs(copies - digits).max(axis=(1, 2)).min() > 0.1


def test_hands_that_do_nothing_copy(monkeypatch: pytest.MonkeyPatch):
    for name, value in {"TURN": 0.0, "SLANT": 0.0, "STRETCH": (1.0, 1.0)}.items():
        monkeypatch.setattr(digit_frames, name, value)
    digits = pictures(np.arange(5))
    np.testing.assert_array_equal(other_hands(digits, np.random.default_rng(0)), digits)


@pytest.mark.parametrize(("split", "count"), [("train", 1078), ("dev", 269), ("test", 450)])
def test_a_split_has_three_films_of_every_digit(split: str, count: int):
    films = load_split(split, 1)
    assert films.frames.shape == (3 * count, 1, 1, 16, 16)
    np.testing.assert_array_equal(np.bincount(films.labels), 3 * np.bincount(digit_images()[1][image_indices(split)]))


def test_a_seed_gives_the_same_films():
    films, other, again = (load_split("dev", 2, seed) for seed in (0, 1, 0))
    np.testing.assert_array_equal(films.frames, again.frames)
    assert not np.array_equal(films.frames, other.frames)
    with pytest.raises(ValueError, match="no split 'exam'"):
        load_split("exam", 2)


def test_films_show_their_labels(monkeypatch: pytest.MonkeyPatch):
    """Without noise a film's pixels, all shifts together, are those of a digit with its label."""
    monkeypatch.setattr(digit_frames, "SIGMA", 0.0)
    monkeypatch.setattr(digit_frames, "SHIFT", 0)
    films, images = load_split("dev", 1), image_indices("dev")
    found = {
        picture.tobytes(): int(digit_images()[1][index])
        for picture, index in zip(pictures(images), images, strict=True)
    }
    assert [found[film[0, 0].tobytes()] for film in films.frames] == films.labels.tolist()
