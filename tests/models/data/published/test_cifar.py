"""The python version of CIFAR-10 and CIFAR-100, on small files written as the published ones were."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.data.published.cifar import CifarError, load_cifar


def dump(path: Path, content: Any) -> None:
    path.write_bytes(pickle.dumps(content, protocol=2))


def planes(count: int) -> np.ndarray:
    """Sample i: red 10 i, green 10 i + 1 except for its pixel in row 3, column 5, blue 10 i + 2."""
    data = np.zeros((count, 3, 32, 32), dtype=np.uint8)
    for number, image in enumerate(data):
        image[:] = (10 * number + np.arange(3))[:, None, None]
        image[1, 3, 5] = 255
    return data.reshape(count, 3072)


def cifar_10(root: Path) -> Path:
    dump(root / "batches.meta", {b"label_names": [b"airplane", b"automobile", b"bird"], b"num_vis": 3072})
    for number in range(1, 6):
        dump(
            root / f"data_batch_{number}", {b"data": planes(2), b"labels": [number % 3, 0], b"batch_label": b"training"}
        )
    dump(root / "test_batch", {b"data": planes(3), b"labels": [2, 1, 0], b"filenames": [b"a.png", b"b.png", b"c.png"]})
    return root


def cifar_100(root: Path) -> Path:
    dump(root / "meta", {b"fine_label_names": [b"apple", b"bee"], b"coarse_label_names": [b"fruit"]})
    for name in ("train", "test"):
        dump(root / name, {b"data": planes(2), b"fine_labels": [1, 0], b"coarse_labels": [0, 0]})
    return root


def test_cifar_10(tmp_path: Path):
    data = load_cifar(cifar_10(tmp_path), "test")
    assert data.names == ("airplane", "automobile", "bird")
    assert data.labels.tolist() == [2, 1, 0]
    assert data.images.shape == (3, 32, 32, 3)
    assert data.images[2, 0, 0].tolist() == [20, 21, 22]
    assert data.images[1, 3, 5].tolist() == [10, 255, 12]
    assert data.pixels()[1, 1, 3, 5] == 1.0
    train = load_cifar(tmp_path, "train")
    assert train.labels.tolist() == [1, 0, 2, 0, 0, 0, 1, 0, 2, 0]


def test_cifar_100(tmp_path: Path):
    data = load_cifar(cifar_100(tmp_path), "train")
    assert data.names == ("apple", "bee")
    assert data.labels.tolist() == [1, 0]


class Command:
    """What a malicious file would hold."""

    def __reduce__(self):
        return (print, ("this must not run",))


@pytest.mark.parametrize("content", [Command(), {b"data": Command()}])
def test_pickles_run_nothing(content: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    dump(cifar_10(tmp_path) / "test_batch", content)
    with pytest.raises(CifarError, match=r"test_batch is not a pickle of arrays: it asks for .*print"):
        load_cifar(tmp_path, "test")
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({b"labels": [0]}, "test_batch has no 'data'"),
        ({b"data": planes(1)}, "test_batch has no 'labels'"),
        ({b"data": planes(2), b"labels": [0]}, r"data uint8 \(2, 3072\) and 1 labels"),
        ({b"data": planes(1)[:, :100], b"labels": [0]}, r"data uint8 \(1, 100\)"),
        ({b"data": planes(1), b"labels": [3]}, r"test_batch has labels outside 0\.\.2"),
        ({b"data": planes(1), b"labels": [-1]}, r"test_batch has labels outside 0\.\.2"),
        ({b"data": planes(1), b"labels": [b"cat"]}, r"test_batch has labels outside 0\.\.2"),
        ([1, 2], "test_batch is not a pickle of arrays"),
    ],
)
def test_other_batches_are_refused(content: Any, message: str, tmp_path: Path):
    dump(cifar_10(tmp_path) / "test_batch", content)
    with pytest.raises(CifarError, match=message):
        load_cifar(tmp_path, "test")


@pytest.mark.parametrize("content", [b"", b"PNG", b"\x80\x02}q\x00(U"])
def test_other_files_are_refused(content: bytes, tmp_path: Path):
    (cifar_10(tmp_path) / "test_batch").write_bytes(content)
    with pytest.raises(CifarError, match="test_batch is not a pickle of arrays"):
        load_cifar(tmp_path, "test")


def test_missing_files_and_splits(tmp_path: Path):
    with pytest.raises(CifarError, match="no split 'val'; the format has train, test"):
        load_cifar(tmp_path, "val")
    with pytest.raises(FileNotFoundError, match=r"no file .*meta; needed are the files of the python version"):
        load_cifar(tmp_path, "test")
    (cifar_10(tmp_path) / "data_batch_4").unlink()
    with pytest.raises(FileNotFoundError, match=r"no file .*data_batch_4"):
        load_cifar(tmp_path, "train")
