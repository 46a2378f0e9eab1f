"""
Scenes of handwritten digits and the region features that a detector would give for them.

Each scene has three or four digits of scikit-learn's bundled `load_digits` (1,797 images of 8 x 8
pixels, UCI), in different cells of a 3 x 3 grid, big or small. The splits share no digit image. A
scene is seen as 12 proposals, three or four jittered boxes around every digit in random order; a
proposal's features are its crop's pixels and its geometry.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

PROPOSALS = 12
PIXELS = 8
FEATURES = PIXELS * PIXELS + 8
SCENES = {"train": 6000, "dev": 500, "test": 1000}
IMAGE_SHARE = {"train": 0.6, "dev": 0.15, "test": 0.25}
SPLIT_SEED = 2026
JITTER = 0.12
"""Largest shift of a proposal's centre and largest change of its size, relative to the digit."""
SIDE = 96
"""Pixels along a picture of a scene."""
SMALL, BIG = (0.14, 0.18), (0.26, 0.32)
"""Side of a digit, the scene being 1 x 1."""


@dataclass(frozen=True)
class Digit:
    """One digit in a scene; `x` grows to the right, `y` downwards, both in 0..1."""

    label: int
    image: int
    x: float
    y: float
    size: float

    @property
    def big(self) -> bool:
        return self.size >= BIG[0]


@lru_cache(maxsize=1)
def digit_images() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    pixels, labels = load_digits(return_X_y=True)
    return (pixels.reshape(-1, PIXELS, PIXELS) / 16.0).astype(np.float32), labels.astype(np.int64)


def image_indices(split: str) -> NDArray[np.int64]:
    """
    Which of the 1,797 digit images `split` may use.

    Raises:
        ValueError: for a split other than train, dev and test.
    """
    if split not in SCENES:
        raise ValueError(f"no split {split!r}; there are {', '.join(SCENES)}")
    count = len(digit_images()[1])
    order = np.random.default_rng(SPLIT_SEED).permutation(count)
    first_dev = int(count * IMAGE_SHARE["train"])
    first_test = first_dev + int(count * IMAGE_SHARE["dev"])
    bounds = {"train": (0, first_dev), "dev": (first_dev, first_test), "test": (first_test, count)}
    start, stop = bounds[split]
    return order[start:stop]


def draw_scenes(split: str, rng: np.random.Generator) -> list[list[Digit]]:
    """The scenes of `split`: `SCENES[split]` lists of three or four digits."""
    images = image_indices(split)
    return [_draw_scene(images, rng) for _ in range(SCENES[split])]


def _draw_scene(images: NDArray[np.int64], rng: np.random.Generator) -> list[Digit]:
    _, labels = digit_images()
    count = int(rng.integers(3, 5))
    cells = rng.choice(9, size=count, replace=False)
    chosen = rng.choice(images, size=count, replace=False)
    scene: list[Digit] = []
    for cell, image in zip(cells, chosen, strict=True):
        row, column = divmod(int(cell), 3)
        x, y = (np.array([column, row]) + 0.5 + rng.uniform(-0.25, 0.25, size=2)) / 3
        size = rng.uniform(*(BIG if rng.random() < 0.5 else SMALL))
        scene.append(Digit(int(labels[image]), int(image), float(x), float(y), float(size)))
    return scene


def region_features(scenes: list[list[Digit]], rng: np.random.Generator) -> NDArray[np.float32]:
    """
    (scenes, 12, 72): 64 pixels in 0..1, then left, top, right, bottom, x, y, width, height.

    Geometry is centred and scaled to be about as large as the pixels together.
    """
    owners = [digit for scene in scenes for digit in _owners(scene, rng)]
    shift = rng.uniform(-JITTER, JITTER, size=(len(owners), 2))
    stretch = 1.0 + rng.uniform(-JITTER, JITTER, size=(len(owners), 2))
    crops = _crops(np.array([digit.image for digit in owners]), shift, stretch)
    size = np.array([digit.size for digit in owners])[:, None]
    centre = np.array([(digit.x, digit.y) for digit in owners]) + shift * size
    side = stretch * size
    place = np.concatenate((centre - side / 2, centre + side / 2, centre), axis=1)
    geometry = np.concatenate((4.0 * (place - 0.5), 10.0 * (side - 0.22)), axis=1)
    features = np.concatenate((crops.reshape(len(owners), -1), geometry), axis=1)
    return features.reshape(len(scenes), PROPOSALS, FEATURES).astype(np.float32)


def picture(regions: NDArray[np.float32]) -> NDArray[np.float32]:
    """The scene (96, 96), 1 being ink, of its features (12, 72): crops in their boxes, the mean where they overlap."""
    centres = (np.arange(SIDE) + 0.5) / SIDE
    ink, covered = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
    for region in regions:
        left, top, right, bottom = region[PIXELS * PIXELS :][:4] / 4.0 + 0.5
        columns = np.floor((centres - left) / (right - left) * PIXELS).astype(int)
        rows = np.floor((centres - top) / (bottom - top) * PIXELS).astype(int)
        y, x = np.flatnonzero((rows >= 0) & (rows < PIXELS)), np.flatnonzero((columns >= 0) & (columns < PIXELS))
        ink[np.ix_(y, x)] += region[: PIXELS * PIXELS].reshape(PIXELS, PIXELS)[np.ix_(rows[y], columns[x])]
        covered[np.ix_(y, x)] += 1
    return ink / np.maximum(covered, 1)


def _owners(scene: list[Digit], rng: np.random.Generator) -> list[Digit]:
    """The digit behind each proposal, in random order."""
    repeated = scene * (PROPOSALS // len(scene))
    return [repeated[index] for index in rng.permutation(PROPOSALS)]


def _crops(images: NDArray[np.int64], shift: NDArray[np.float64], stretch: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bilinear crops (boxes, 8, 8); outside the digit the paper is empty (0)."""
    pixels, _ = digit_images()
    grid = (np.arange(PIXELS) + 0.5) / PIXELS - 0.5
    at = (grid * stretch[:, :, None] + shift[:, :, None] + 0.5) * PIXELS - 0.5
    weight = np.maximum(0.0, 1.0 - np.abs(at[..., None] - np.arange(PIXELS)))
    return np.einsum("bij,bjk,blk->bil", weight[:, 1], pixels[images], weight[:, 0])
