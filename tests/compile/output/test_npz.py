"""Arrays by name, to .npz files and back."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compile.output.npz import read_arrays, write_arrays
from ir.errors import CompileError

GPU = ["--target", "gpu", "--samples", "2"]


def test_files_of_inputs_that_cannot_be_read(fails, tiny: Path, tmp_path: Path):
    whole = tmp_path / "whole.npz"
    np.savez(whole, x=np.ones((2, 3, 6), np.float32))
    data = whole.read_bytes()
    bad = {"empty": b"", "text": b"hello", "half": data[: len(data) // 2], "changed": data[:200] + b"zzzz" + data[204:]}
    for name, content in bad.items():
        path = tmp_path / f"{name}.npz"
        path.write_bytes(content)
        fails([str(tiny), *GPU, "--inputs", str(path)], 2, "inputs.file", path.name)
    np.save(tmp_path / "array.npy", np.ones(3))
    fails([str(tiny), *GPU, "--inputs", str(tmp_path / "array.npy")], 2, "inputs.file", "npz")


def marked(path: Path, offset: int, value: int) -> Path:
    """A sound archive with one field of its entries changed, in both of their headers."""
    np.savez(path, x=np.ones(3))
    data = bytearray(path.read_bytes())
    for magic, start in ((b"PK\x03\x04", offset), (b"PK\x01\x02", offset + 2)):
        data[data.index(magic) + start] = value
    path.write_bytes(data)
    return path


def holding(path: Path, **entries: Any) -> Path:
    """An archive of arrays, and of bytes as they are."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, entry in entries.items():
            archive.writestr(f"{name}.npy", entry)
    return path


BAD = {
    "a compression that nobody knows": lambda path: marked(path, 8, 97),
    "encryption": lambda path: marked(path, 6, 1),
    "a header without an end": lambda path: holding(path, x=b"\x93NUMPY\x01\x00v\x00" + b"(" * 118),
    "bytes": lambda path: holding(path, x=b"hello"),
    "texts": lambda path: np.savez(path, x=np.array(["a"])) or path,
    "numbers wider than torch's": lambda path: np.savez(path, x=np.ones(3, np.longdouble)) or path,
    "complex numbers": lambda path: np.savez(path, x=np.ones(3, complex)) or path,
}


@pytest.mark.parametrize("kind", BAD)
def test_archives_of_anything_but_numbers(kind: str, tmp_path: Path):
    with pytest.raises(CompileError) as caught:
        read_arrays(BAD[kind](tmp_path / "x.npz"))
    assert caught.value.rule == "inputs.file"


def test_arrays_come_back_whatever_they_are_called(tmp_path: Path):
    arrays = {
        "file": np.arange(6, dtype=np.int8).reshape(2, 3),
        "a/b": np.array(1.5),
        "größe": np.zeros((0, 2), np.float32),
        "flags": np.array([True, False]),
    }
    write_arrays(tmp_path / "a.npz", arrays)
    read = read_arrays(tmp_path / "a.npz")
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        assert np.array_equal(read[name], array)


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i2", "u8"])
def test_numbers_of_another_byte_order_are_read_in_the_machines_own(kind: str, tmp_path: Path):
    numbers = np.arange(6).reshape(2, 3)
    np.savez(tmp_path / "a.npz", big=numbers.astype(f">{kind}"), little=numbers.astype(f"<{kind}"))
    for array in read_arrays(tmp_path / "a.npz").values():
        assert array.dtype == np.dtype(kind)
        assert array.dtype.isnative
        assert np.array_equal(array, numbers)


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path):
    content = io.BytesIO()
    np.save(content, np.ones(3))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", content.getvalue())
        archive.writestr("y.npy", content.getvalue())
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("x.npy", content.getvalue())
    with pytest.raises(CompileError, match=r"inputs\.file\]: 'x' is in it twice"):
        read_arrays(tmp_path / "a.npz")


def test_no_python_object_is_written_or_read(tmp_path: Path):
    objects = np.array([{"a": 1}], dtype=object)
    with pytest.raises(ValueError, match="allow_pickle"):
        write_arrays(tmp_path / "a.npz", {"x": objects})
    np.savez(tmp_path / "b.npz", x=objects)
    with pytest.raises(CompileError, match=r"inputs\.file"):
        read_arrays(tmp_path / "b.npz")
    with pytest.raises(CompileError, match="it is a folder, not a file"):
        read_arrays(tmp_path)
    with pytest.raises(CompileError, match="no such file"):
        read_arrays(tmp_path / "none.npz")
