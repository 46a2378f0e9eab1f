"""
Loader for audio-visual arrays as CREMA-D, AVE and UrbanSound8K-AV are prepared for spiking networks.

    <root>/audio_<split>.npy     (n, T, 1, 128, 128)        spectrograms, one repeated T times or T of them
    <root>/videos_<split>.npy    (n, T, 1 or 3, 128, 128)   frames
    <root>/labels_<split>.npy    (n,) whole numbers from 0, or (n, classes) one-hot

with the splits train, val and test. Values are float32 in any range, or uint8 of 0..255, which `batch` makes 0..1. The big
arrays are mapped from their files and read when indexed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "val", "test")
AXES = "(samples, steps, channels, height, width)"


class AudioVisualError(ValueError):
    """Arrays that cannot be used: which file, what is wrong, what it should be."""


@dataclass(frozen=True)
class AudioVisualArrays:
    """One split."""

    audio: NDArray[Any]
    """(n, T, channels, height, width) float32 or uint8, on disk."""
    video: NDArray[Any]
    """(n, T, channels, height, width) float32 or uint8, on disk; T need not be the audio's."""
    labels: NDArray[np.int64]
    """(n,) classes."""

    def batch(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        """Audio and video (T, batch, channels, height, width) and labels (batch,) of these samples."""
        return _time_first(self.audio[indices]), _time_first(self.video[indices]), self.labels[indices]


def load_audio_visual(root: Path, split: str) -> AudioVisualArrays:
    """
    The split `train`, `val` or `test` of the data set in the folder `root`.

    Raises:
        FileNotFoundError: for a file that is not there.
        AudioVisualError: for another split, a malformed file, or counts that do not fit.
    """
    if split not in SPLITS:
        raise AudioVisualError(f"no split {split!r}; the format has {', '.join(SPLITS)}")
    paths = {kind: Path(root) / f"{kind}_{split}.npy" for kind in ("audio", "videos", "labels")}
    audio, video = _images(paths["audio"]), _images(paths["videos"])
    labels = _labels(paths["labels"])
    counts = len(audio), len(video), len(labels)
    if len(set(counts)) > 1 or counts[0] == 0:
        raise AudioVisualError(
            f"{Path(root)}, {split}: {counts[0]} of audio, {counts[1]} of videos, {counts[2]} labels; needed are as many of each"
        )
    return AudioVisualArrays(audio, video, labels)


def _array(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}; the format needs audio_, videos_ and labels_<split>.npy")
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise AudioVisualError(f"{path} is not a .npy array: {error}") from error


def _images(path: Path) -> NDArray[Any]:
    array = _array(path)
    if array.ndim != 5 or array.dtype.name not in ("float32", "uint8"):
        raise AudioVisualError(f"{path} holds {array.dtype} of shape {array.shape}; needed is float32 or uint8 {AXES}")
    return array


def _labels(path: Path) -> NDArray[np.int64]:
    array = np.array(_array(path))
    if array.ndim == 2 and ((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all():
        return array.argmax(axis=1).astype(np.int64)
    whole = array.ndim == 1 and array.dtype.kind in "iuf" and bool((array == np.floor(array)).all())
    if not whole or (array < 0).any():
        raise AudioVisualError(
            f"{path} holds {array.dtype} of shape {array.shape}; needed are classes (n,) from 0, or one-hot rows"
        )
    return array.astype(np.int64)


def _time_first(samples: NDArray[Any]) -> NDArray[np.float32]:
    scale = np.float32(255.0 if samples.dtype == np.uint8 else 1.0)
    return np.ascontiguousarray(samples.swapaxes(0, 1)).astype(np.float32) / scale
