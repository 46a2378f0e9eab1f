"""
Handwritten digits as a camera that shakes in the dark would film them: the longer one looks, the more one sees.

A frame is the 8 x 8 digit of scikit-learn's bundled `load_digits` (UCI) doubled to 16 x 16, shifted by up to 2 pixels in each
direction, with Gaussian noise on every pixel, cut to 0..1 and rounded to 64ths. Shift and noise are drawn anew for each frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.data.digit_scenes import digit_images, image_indices

SIDE = 16
SHIFT = 2
LEVELS = 64
TURN, SLANT, STRETCH = 0.2, 0.2, (0.85, 1.15)
"""Other hands: the largest angle, the largest slope of upright strokes, lengths in the picture per length in the copy."""
SIGMA = 0.8
"""Of the noise in films, and in the video of audio-visual digits."""
COPIES = 3
"""Films of each digit."""
SPLIT_SEED = {"train": 1, "dev": 2, "test": 3}


@dataclass(frozen=True)
class DigitFrames:
    """Films of digits, in an order that is drawn."""

    frames: NDArray[np.float32]
    """(n, steps, 1, 16, 16) in 0..1 by 64ths, each step a frame of its own."""
    labels: NDArray[np.int64]
    """(n,) digits."""


def load_split(split: str, steps: int, seed: int = 0) -> DigitFrames:
    """
    Three films of every digit of `train`, `dev` or `test`; the same arrays for the same arguments on every call and machine.

    Another seed draws other frames, and in training other hands: a training gives each epoch its own.

    Raises:
        ValueError: for another split.
    """
    indices = np.repeat(image_indices(split), COPIES)
    rng = np.random.default_rng((SPLIT_SEED[split], seed))
    images = rng.permutation(indices)
    digits = pictures(images)
    digits = other_hands(digits, rng) if split == "train" else digits
    return DigitFrames(draw_frames(digits, steps, SIGMA, rng), digit_images()[1][images])


def draw_images(labels: NDArray[np.int64], split: str, rng: np.random.Generator) -> NDArray[np.int64]:
    """
    (n,) an image of each label's digit among those of `split`.

    Raises:
        ValueError: for a split other than train, dev and test.
    """
    indices = image_indices(split)
    of_digit = [indices[digit_images()[1][indices] == digit] for digit in range(10)]
    return np.array([rng.choice(of_digit[int(label)]) for label in labels], dtype=np.int64)


def pictures(images: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n, 16, 16) the images of these indices, 1 is ink."""
    return np.kron(digit_images()[0][images], np.ones((1, 2, 2), dtype=np.float32))


def other_hands(digits: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """
    Copies of pictures (n, 16, 16) as other hands would write them: turned, wider or narrower, taller or shorter, slanted.

    The pixel at p shows what is at `A (p - c) + c` of the picture, c its middle, between pixels by bilinear interpolation.
    """
    count, middle = len(digits), (SIDE - 1) / 2
    angle, slant = rng.uniform(-TURN, TURN, count), rng.uniform(-SLANT, SLANT, count)
    tall, wide = rng.uniform(*STRETCH, size=(2, count))
    down, along = (
        np.array([np.cos(angle) * tall, np.sin(angle) * wide]),
        np.array([-np.sin(angle) * tall, np.cos(angle) * wide]),
    )
    place = np.indices((SIDE, SIDE)) - middle
    source = np.einsum("ijn,jrc->inrc", np.stack((down, slant * down + along)), place) + middle
    paper = np.pad(digits, ((0, 0), (1, 2), (1, 2)))
    source = (source + 1).clip(0, SIDE + 1)
    low = source.astype(np.int64)
    part = (source - low).astype(np.float32)
    sample, copies = np.arange(count)[:, None, None], np.zeros_like(digits)
    for r, c in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = np.abs(1 - r - part[0]) * np.abs(1 - c - part[1])
        copies += weight * paper[sample, low[0] + r, low[1] + c]
    return copies


def draw_frames(digits: NDArray[np.float32], steps: int, sigma: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """
    (n, steps, 1, 16, 16) frames in 0..1 by 64ths of pictures (n, 16, 16).

    Args:
        sigma: the noise's standard deviation; ink is 1 and paper 0.
    """
    paper = np.pad(digits, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)))
    row, column = rng.integers(0, 2 * SHIFT + 1, size=(2, len(digits), steps, 1, 1))
    sample = np.arange(len(digits))[:, None, None, None]
    inside = np.arange(SIDE)
    frames = paper[sample, row + inside[:, None], column + inside]
    frames += sigma * rng.standard_normal(frames.shape, dtype=np.float32)
    return (np.round(np.clip(frames, 0.0, 1.0) * LEVELS) / np.float32(LEVELS))[:, :, None]
