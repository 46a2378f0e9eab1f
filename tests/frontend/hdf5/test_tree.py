"""HDF5 groups as dictionaries: texts, numbers, links within the file; and every bound, with numbers that are just enough."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from frontend.hdf5 import tree as hdf5_tree
from frontend.hdf5.tree import Tree, is_tree, largest_tree, read_tree
from ir.errors import CompileError

Fill = Callable[[h5py.File], object]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Tree]:
    """read(fill, file_bytes=...): the tree of a file that `fill` writes, by its own size or another."""

    def make(fill: Fill, file_bytes: int = 0) -> Tree:
        path = tmp_path / "file.h5"
        with h5py.File(path, "w") as file:
            fill(file)
        with h5py.File(path, "r") as file:
            return read_tree(file["/"], file_bytes or path.stat().st_size)

    return make


def test_groups_are_dictionaries_of_arrays_and_texts(read: Any) -> None:
    def fill(file: h5py.File) -> None:
        file["a/number"], file["a/vector"], file["a/größe"] = 3, np.arange(3, dtype=">i2"), np.float32(0.5)
        file["text"], file["bytes"] = "Wörter", np.bytes_(b"fixed")
        file["texts"] = np.array([["a", "b"], ["c", "d"]], dtype=h5py.string_dtype())
        file.create_group("empty")

    tree = read(fill)
    assert tree.keys() == {"a", "text", "bytes", "texts", "empty"}
    assert (tree["text"], tree["bytes"], tree["empty"]) == ("Wörter", "fixed", {})
    assert tree["texts"].tolist() == [["a", "b"], ["c", "d"]]
    assert (tree["a"]["number"].shape, tree["a"]["vector"].tolist(), float(tree["a"]["größe"])) == ((), [0, 1, 2], 0.5)
    assert is_tree(tree["a"])
    assert not is_tree(tree["text"])


def test_long_columns_of_texts_are_read_row_by_row(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_tree, "READ_BYTES", 1)
    names = np.array([[f"n{row}", f"m{row}"] for row in range(10)], dtype=object)
    tree = read(lambda file: file.create_dataset("t", data=names, dtype=h5py.string_dtype()))
    assert tree["t"].tolist() == names.tolist()


def test_a_group_may_be_linked_twice(read: Any) -> None:
    def fill(file: h5py.File) -> None:
        file["a/x"] = 1.0
        file["b"] = file["a"]

    assert {key: float(group["x"]) for key, group in read(fill).items()} == {"a": 1.0, "b": 1.0}


def _nested(depth: int) -> Fill:
    return lambda file: file.create_group("/".join(["g"] * depth))


def _twice(times: int) -> Fill:
    """2^times ways to the innermost group: 2^(times + 1) - 2 visits, all but `times` of them to groups visited before."""

    def fill(file: h5py.File) -> None:
        group: Any = file
        for _ in range(times):
            inner = group.create_group("a")
            group["b"] = inner
            group = inner

    return fill


def _circle(file: h5py.File) -> None:
    file["a/b"] = file["/"]


def _chunks(shape: tuple[int, ...], chunk: int = 64) -> Fill:
    return lambda file: file.create_dataset(
        "x", shape=shape, dtype="f4", chunks=(chunk,) * len(shape), maxshape=(None,) * len(shape)
    )


def _virtual(file: h5py.File) -> None:
    file.create_virtual_dataset("x", h5py.VirtualLayout((3,), "f4"))


REFUSED: dict[str, tuple[Fill, str, str]] = {
    "soft link": (
        lambda file: file.__setitem__("x", h5py.SoftLink("/y")),
        "nir.link",
        "//x is a link to another place",
    ),
    "external link": (
        lambda file: file.__setitem__("x", h5py.ExternalLink("o.h5", "/y")),
        "nir.link",
        "link to another",
    ),
    "circle": (_circle, "nir.link", "is a group inside of itself"),
    "depth": (_nested(66), "nir.depth", "more than 64 deep"),
    "many ways": (_twice(9), "nir.link", "more than 1000 times over"),
    "named type": (lambda file: file.__setitem__("x", np.dtype("f4")), "nir.dtype", "neither a group nor a dataset"),
    "nothing": (lambda file: file.__setitem__("x", h5py.Empty("f4")), "nir.shape", "/x holds nothing"),
    "records": (lambda file: file.__setitem__("x", np.zeros(3, [("a", "f4")])), "nir.dtype", "/x holds"),
    "references": (lambda file: file.__setitem__("x", file.ref), "nir.dtype", "/x holds object"),
    "virtual data": (_virtual, "nir.link", "the data of /x is in another place"),
    "gigabytes": (_chunks((1 << 17, 1 << 17)), "nir.size", "/x declares 68,719,476,736 bytes of arrays, more than"),
    "never stored": (_chunks((1 << 15,)), "nir.size", "but the file holds 0 bytes for it"),
    "huge chunk": (_chunks((3,), 1 << 15), "nir.size", "/x declares 131,072 bytes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_file_of_ours_holds(case: str, read: Any) -> None:
    fill, rule, what = REFUSED[case]
    with pytest.raises(CompileError) as caught:
        read(fill)
    assert caught.value.rule == rule
    assert what in caught.value.what


@pytest.mark.parametrize("fill", [_nested(64), _twice(8), _chunks((1 << 14,)), _chunks((3,), 1 << 14)])
def test_just_enough_is_read(fill: Fill, read: Any) -> None:
    assert read(fill)


def test_zeros_that_were_never_stored_are_zeros(read: Any) -> None:
    assert not read(_chunks((100,)))["x"].any()


@pytest.mark.parametrize("name", ["MAX_OBJECTS", "MAX_TEXTS", "MAX_TEXT_BYTES"])
def test_counted_bounds(name: str, read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six objects, one of four texts, six characters in all."""

    def fill(file: h5py.File) -> None:
        file["texts"] = np.array(["a", "b", "cd", "e"], dtype=h5py.string_dtype())
        file["t"] = "f"
        for key in "uvwx":
            file[key] = 1.0

    exact = {"MAX_OBJECTS": 6, "MAX_TEXTS": 4, "MAX_TEXT_BYTES": 6}[name]
    monkeypatch.setattr(hdf5_tree, name, exact)
    read(fill)
    monkeypatch.setattr(hdf5_tree, name, exact - 1)
    with pytest.raises(CompileError) as caught:
        read(fill)
    assert caught.value.rule == "nir.size"


def test_all_arrays_together_are_bounded(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(file: h5py.File) -> None:
        file["x"], file["y"] = np.zeros(8, np.float32), np.zeros(8, np.float32)

    monkeypatch.setattr(hdf5_tree, "MAX_BYTES", 64)
    read(fill)
    monkeypatch.setattr(hdf5_tree, "MAX_BYTES", 63)
    with pytest.raises(CompileError, match="declares more than 63 bytes of arrays"):
        read(fill)


def test_more_stored_bytes_than_the_file_has(read: Any) -> None:
    with pytest.raises(CompileError, match="/x claims 400 stored bytes, the file has 100"):
        read(lambda file: file.__setitem__("x", np.ones(100, np.float32)), file_bytes=100)


def test_the_most_that_a_file_can_hold() -> None:
    assert largest_tree(1000) == 1_100_000
    assert largest_tree(1 << 40) == hdf5_tree.MAX_BYTES
