"""The arrays of CREMA-D, AVE and UrbanSound8K-AV, on small files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.data.published.audio_visual import AudioVisualError, load_audio_visual


def write(root: Path, split: str = "test", **changed: np.ndarray) -> Path:
    """Three samples: audio with four steps of one channel, video with two of three."""
    arrays = {
        "audio": np.arange(3 * 4 * 128 * 128, dtype=np.float32).reshape(3, 4, 1, 128, 128),
        "videos": np.full((3, 2, 3, 128, 128), 51, dtype=np.uint8),
        "labels": np.array([2, 0, 1]),
    }
    for name, array in (arrays | changed).items():
        np.save(root / f"{name}_{split}.npy", array)
    return root


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_batches_have_time_first(split: str, tmp_path: Path):
    data = load_audio_visual(write(tmp_path, split), split)
    audio, video, labels = data.batch(np.array([2, 0]))
    assert audio.shape == (4, 2, 1, 128, 128)
    assert video.shape == (2, 2, 3, 128, 128)
    assert audio.dtype == video.dtype == np.float32
    np.testing.assert_array_equal(labels, [1, 2])
    np.testing.assert_array_equal(audio[3, 0], data.audio[2, 3])
    np.testing.assert_array_equal(video, np.full((2, 2, 3, 128, 128), np.float32(51 / 255)))


def test_arrays_stay_on_disk(tmp_path: Path):
    data = load_audio_visual(write(tmp_path), "test")
    assert isinstance(data.audio, np.memmap)
    assert isinstance(data.video, np.memmap)


@pytest.mark.parametrize(
    "labels", [np.eye(4, dtype=np.float32)[[2, 0, 1]], np.array([2.0, 0.0, 1.0]), np.array([2, 0, 1], np.uint8)]
)
def test_labels_are_classes_or_rows(labels: np.ndarray, tmp_path: Path):
    np.testing.assert_array_equal(load_audio_visual(write(tmp_path, labels=labels), "test").labels, [2, 0, 1])


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (
            "audio",
            np.zeros((3, 4, 128, 128), np.float32),
            r"audio_test\.npy holds float32 of shape \(3, 4, 128, 128\); needed is",
        ),
        ("videos", np.zeros((3, 2, 3, 8, 8)), r"videos_test\.npy holds float64"),
        (
            "videos",
            np.zeros((2, 2, 3, 8, 8), np.uint8),
            "3 of audio, 2 of videos, 3 labels; needed are as many of each",
        ),
        ("labels", np.array([0, 1]), "3 of audio, 3 of videos, 2 labels"),
        ("labels", np.array([0.5, 1.0, 2.0]), r"labels_test\.npy holds float64 of shape \(3,\); needed are classes"),
        ("labels", np.array([-1, 1, 2]), r"labels_test\.npy holds int64"),
        ("labels", np.ones((3, 4)), r"labels_test\.npy holds float64 of shape \(3, 4\)"),
    ],
)
def test_other_arrays_are_refused(name: str, array: np.ndarray, message: str, tmp_path: Path):
    with pytest.raises(AudioVisualError, match=message):
        load_audio_visual(write(tmp_path, **{name: array}), "test")


def test_missing_and_malformed_files(tmp_path: Path):
    with pytest.raises(AudioVisualError, match="no split 'dev'; the format has train, val, test"):
        load_audio_visual(tmp_path, "dev")
    with pytest.raises(FileNotFoundError, match=r"no file .*audio_val\.npy; the format needs"):
        load_audio_visual(write(tmp_path), "val")
    (tmp_path / "videos_test.npy").write_bytes(b"no array")
    with pytest.raises(AudioVisualError, match=r"videos_test\.npy is not a \.npy array"):
        load_audio_visual(tmp_path, "test")


def test_empty_split(tmp_path: Path):
    empty = {
        "audio": np.zeros((0, 1, 1, 4, 4), np.float32),
        "videos": np.zeros((0, 1, 1, 4, 4), np.float32),
        "labels": np.zeros(0, np.int64),
    }
    with pytest.raises(AudioVisualError, match="0 of audio, 0 of videos, 0 labels"):
        load_audio_visual(write(tmp_path, **empty), "test")
