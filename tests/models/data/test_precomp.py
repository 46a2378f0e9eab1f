"""The published data format, on small files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.data import precomp
from models.data.precomp import PrecompError, load_precomp


def _write(root: Path, split: str, images: int, captions: int) -> Path:
    folder = root / "f30k_precomp"
    folder.mkdir(exist_ok=True)
    features = np.arange(images * 6, dtype=np.float32).reshape(images, 2, 3)
    np.save(folder / f"{split}_ims.npy", features)
    lines = [f"  caption number {i}, with a café " for i in range(captions)]
    (folder / f"{split}_caps.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / f"{split}_ids.txt").write_text("".join(f"{i * 7}\n" for i in range(captions)))
    return folder


@pytest.mark.parametrize("split", ["train", "dev", "test", "testall"])
def test_five_captions_share_an_image(split: str, tmp_path: Path) -> None:
    _write(tmp_path, split, images=3, captions=15)
    data = load_precomp(tmp_path, "f30k", split)
    assert data.images.shape == (3, 2, 3)
    assert data.image_of_caption.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    assert data.captions[14] == "caption number 14, with a café"
    assert data.ids[2] == 14
    assert data.images[2, 1, 2] == 17.0


def test_images_stored_once_per_caption(tmp_path: Path) -> None:
    _write(tmp_path, "train", images=10, captions=10)
    data = load_precomp(tmp_path, "f30k", "train")
    assert data.image_of_caption.tolist() == list(range(10))


def test_dev_is_cut_to_5000_captions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert precomp.DEV_CAPTIONS == 5000
    monkeypatch.setattr(precomp, "DEV_CAPTIONS", 10)
    _write(tmp_path, "dev", images=3, captions=15)
    _write(tmp_path, "test", images=3, captions=15)
    assert len(load_precomp(tmp_path, "f30k", "dev").captions) == 10
    assert load_precomp(tmp_path, "f30k", "dev").image_of_caption.tolist() == [0] * 5 + [1] * 5
    assert len(load_precomp(tmp_path, "f30k", "test").captions) == 15


def test_unknown_split_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PrecompError, match="no split 'val'; the format has train, dev"):
        load_precomp(tmp_path, "f30k", "val")
    with pytest.raises(PrecompError, match=r"no file .*coco_precomp/train_ims\.npy"):
        load_precomp(tmp_path, "coco", "train")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ims.npy", b"no array", r"train_ims\.npy is not a \.npy array"),
        ("ims.npy", b"", r"train_ims\.npy is not a \.npy array"),
        ("caps.txt", b"\xff\xfe\n", "is not UTF-8 text"),
        ("ids.txt", b"1\ntwo\n", "train_ids.txt, line 2: 'two' is not a number"),
        ("caps.txt", b"", "0 captions for 3 images"),
        ("caps.txt", b"one\n" * 16, "16 captions for 3 images; needed is one image per caption"),
    ],
)
def test_malformed_files_are_named(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    folder = _write(tmp_path, "train", images=3, captions=15)
    (folder / f"train_{name}").write_bytes(content)
    with pytest.raises(PrecompError, match=message):
        load_precomp(tmp_path, "f30k", "train")


@pytest.mark.parametrize("features", [np.zeros((3, 4), np.float32), np.zeros((3, 2, 4))])
def test_other_arrays_are_refused(features: np.ndarray, tmp_path: Path) -> None:
    folder = _write(tmp_path, "train", images=3, captions=15)
    np.save(folder / "train_ims.npy", features)
    with pytest.raises(PrecompError, match="region features are float32"):
        load_precomp(tmp_path, "f30k", "train")
