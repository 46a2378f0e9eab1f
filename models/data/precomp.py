"""
Loader for the published data format (SCAN, VSE-infinity): precomputed regions with captions.

    <root>/<name>_precomp/<split>_ims.npy    (images, regions, features) float32
    <root>/<name>_precomp/<split>_caps.txt   one caption per line, five per image in image order
    <root>/<name>_precomp/<split>_ids.txt    one number per line

Some sets repeat every image five times in `ims.npy`, some store it once: when the counts of images
and captions differ, caption i belongs to image i // 5. The dev split is cut to 5,000 captions.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "dev", "test", "testall")
CAPTIONS_PER_IMAGE = 5
DEV_CAPTIONS = 5000


class PrecompError(ValueError):
    """A data set that cannot be read: which file, what is wrong, what it should be."""


@dataclass(frozen=True)
class Precomp:
    """One split; caption i shows image `image_of_caption[i]`."""

    images: NDArray[np.float32]
    """(images, regions, features), mapped from the file, read when indexed."""
    captions: tuple[str, ...]
    ids: tuple[int, ...]
    image_of_caption: NDArray[np.int64]


def load_precomp(root: Path, name: str, split: str) -> Precomp:
    """
    One split of the data set `name` (`f30k` or `coco` as published) under `root`.

    Raises:
        PrecompError: for an unknown split, a missing or malformed file, or counts that do not fit.
    """
    if split not in SPLITS:
        raise PrecompError(f"no split {split!r}; the format has {', '.join(SPLITS)}")
    stem = Path(root) / f"{name}_precomp"
    images = _images(stem / f"{split}_ims.npy")
    captions = tuple(line.strip() for line in _lines(stem / f"{split}_caps.txt"))
    ids = tuple(_ids(stem / f"{split}_ids.txt"))
    count = min(len(captions), DEV_CAPTIONS) if split == "dev" else len(captions)
    per_image = 1 if len(images) == len(captions) else CAPTIONS_PER_IMAGE
    if len(images) * per_image < count or count == 0:
        raise PrecompError(
            f"{stem / split}_caps.txt has {len(captions)} captions for {len(images)} images; "
            f"needed is one image per caption or one per {CAPTIONS_PER_IMAGE}"
        )
    return Precomp(images, captions[:count], ids, np.arange(count) // per_image)


def _images(path: Path) -> NDArray[np.float32]:
    try:
        images = np.load(_existing(path), mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise PrecompError(f"{path} is not a .npy array: {error}") from error
    if images.ndim != 3 or images.dtype != np.float32:
        raise PrecompError(
            f"{path} holds {images.dtype} of shape {images.shape}; "
            "region features are float32 (images, regions, features)"
        )
    return images


def _lines(path: Path) -> list[str]:
    try:
        return _existing(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise PrecompError(f"{path} is not UTF-8 text: {error}") from error


def _ids(path: Path) -> list[int]:
    numbers: list[int] = []
    for row, line in enumerate(_lines(path), start=1):
        try:
            numbers.append(int(line))
        except ValueError as error:
            raise PrecompError(f"{path}, line {row}: {line!r} is not a number") from error
    return numbers


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise PrecompError(f"no file {path}; the format needs <split>_ims.npy, _caps.txt, _ids.txt")
    return path
