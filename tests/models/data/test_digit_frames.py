"""Frames are the image moved, and noise."""

from __future__ import annotations

import numpy as np
import pytest

from models.data.digit_frames import draw_frames, draw_images
from models.data.digit_scenes import digit_images, image_indices


def test_without_noise_every_frame_is_the_image_shifted():
    images = np.array([3, 500, 1700])
    frames = draw_frames(images, 6, 0.0, np.random.default_rng(0))
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
    film = draw_frames(np.arange(8), 2, 0.8, np.random.default_rng(3)) * 64
    np.testing.assert_array_equal(film, np.round(film))


def test_noise_is_fresh_in_every_frame_and_has_its_size():
    """An image's empty corner: half of the Gaussian is cut at 0, so the mean square is sigma^2 / 2."""
    film = draw_frames(np.zeros(400, dtype=np.int64), 4, 0.2, np.random.default_rng(1))
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
