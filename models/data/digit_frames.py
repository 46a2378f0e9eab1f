"""
Handwritten digits as a camera that shakes in the dark would film them: the longer one looks, the more one sees.

A frame is the 8 x 8 digit of scikit-learn's bundled `load_digits` (UCI) doubled to 16 x 16, shifted by up to 2 pixels in each
direction, with Gaussian noise on every pixel, cut to 0..1 and rounded to 64ths. Shift and noise are drawn anew for each frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.data.digit_scenes import digit_images, image_indices

SIDE = 16
SHIFT = 2
LEVELS = 64


def draw_images(labels: NDArray[np.int64], split: str, rng: np.random.Generator) -> NDArray[np.int64]:
    """
    (n,) an image of each label's digit among those of `split`.

    Raises:
        ValueError: for a split other than train, dev and test.
    """
    indices = image_indices(split)
    of_digit = [indices[digit_images()[1][indices] == digit] for digit in range(10)]
    return np.array([rng.choice(of_digit[int(label)]) for label in labels], dtype=np.int64)


def draw_frames(images: NDArray[np.int64], steps: int, sigma: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """
    (n, steps, 1, 16, 16) frames in 0..1 by 64ths (1 is ink) of the images of these indices.

    Args:
        sigma: the noise's standard deviation; ink is 1 and paper 0.
    """
    pixels = digit_images()[0][images]
    margin = SIDE + 2 * SHIFT
    paper = np.zeros((len(images), margin, margin), dtype=np.float32)
    paper[:, SHIFT:-SHIFT, SHIFT:-SHIFT] = np.kron(pixels, np.ones((1, 2, 2), dtype=np.float32))
    row, column = rng.integers(0, 2 * SHIFT + 1, size=(2, len(images), steps, 1, 1))
    sample = np.arange(len(images))[:, None, None, None]
    inside = np.arange(SIDE)
    frames = paper[sample, row + inside[:, None], column + inside]
    frames += sigma * rng.standard_normal(frames.shape, dtype=np.float32)
    return (np.round(np.clip(frames, 0.0, 1.0) * LEVELS) / np.float32(LEVELS))[:, :, None]
