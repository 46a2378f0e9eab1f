"""
Loader for CIFAR-10 and CIFAR-100 in the published format "python version": pickled dictionaries.

    <root>/data_batch_1 .. data_batch_5, test_batch, batches.meta      CIFAR-10
    <root>/train, test, meta                                           CIFAR-100

A batch has `data` (n, 3072) uint8, the red, green and blue planes of 32 x 32 pixels one after another, and `labels` or
`fine_labels`. The pickles come from elsewhere: they are opened so that they can make arrays, and nothing else.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 32
BYTES = 3 * SIDE * SIDE
TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
FILES = {
    "cifar-10": {"train": TRAIN_BATCHES, "test": ("test_batch",)},
    "cifar-100": {"train": ("train",), "test": ("test",)},
}
LABELS = {"cifar-10": b"labels", "cifar-100": b"fine_labels"}
META = {"cifar-10": ("batches.meta", b"label_names"), "cifar-100": ("meta", b"fine_label_names")}
ALLOWED = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("_codecs", "encode"),
}
"""What a pickle may name: an array, its type, and text that is bytes."""


class CifarError(ValueError):
    """A data set that cannot be read: which file, what is wrong, what it should be."""


@dataclass(frozen=True)
class Cifar:
    """One split."""

    images: NDArray[np.uint8]
    """(n, 32, 32, 3) red, green, blue."""
    labels: NDArray[np.int64]
    """(n,) indices into `names`."""
    names: tuple[str, ...]

    def pixels(self) -> NDArray[np.float32]:
        """(n, 3, 32, 32) in 0..1."""
        return np.ascontiguousarray(self.images.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255.0)


def load_cifar(root: Path, split: str) -> Cifar:
    """
    The split `train` or `test` of whichever of the two is in the folder `root`.

    Raises:
        FileNotFoundError: for a file that is not there.
        CifarError: for another split, or a file that is not of the format.
    """
    if split not in ("train", "test"):
        raise CifarError(f"no split {split!r}; the format has train, test")
    name = "cifar-10" if (Path(root) / META["cifar-10"][0]).is_file() else "cifar-100"
    meta, key = META[name]
    names = tuple(label.decode() for label in _entry(Path(root) / meta, key, list))
    batches = [_batch(Path(root) / file, LABELS[name], len(names)) for file in FILES[name][split]]
    images = np.concatenate([images for images, _ in batches])
    return Cifar(images, np.concatenate([labels for _, labels in batches]), names)


def _batch(path: Path, key: bytes, classes: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    data, labels = _entry(path, b"data", np.ndarray), np.asarray(_entry(path, key, list))
    if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != BYTES or len(data) != len(labels):
        raise CifarError(
            f"{path} has data {data.dtype} {data.shape} and {len(labels)} labels; needed is uint8 (n, {BYTES}) and as many labels"
        )
    if labels.dtype.kind != "i" or not ((labels >= 0) & (labels < classes)).all():
        raise CifarError(f"{path} has labels outside 0..{classes - 1}, the classes that there are names for")
    return data.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1), labels.astype(np.int64)


def _entry(path: Path, key: bytes, kind: type) -> Any:
    entry = _unpickled(path).get(key)
    if not isinstance(entry, kind):
        raise CifarError(
            f"{path} has no {key.decode()!r}; needed is a batch of the python version of CIFAR-10 or CIFAR-100"
        )
    return entry


def _unpickled(path: Path) -> dict[bytes, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}; needed are the files of the python version of CIFAR-10 or CIFAR-100")
    with path.open("rb") as file:
        try:
            return dict(_ArraysOnly(file, encoding="bytes").load())
        except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
            raise CifarError(f"{path} is not a pickle of arrays: {error}") from error


class _ArraysOnly(pickle.Unpickler):
    """Refuses every name that an array does not need."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}")
        return super().find_class(module_name, global_name)
