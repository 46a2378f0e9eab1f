"""NIR files that are fine, and the many ways in which they are not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest

from frontend.nir.round_trip.file import read_nir, write_nir
from ir.errors import CompileError


def plain() -> nir.NIRGraph:
    ones = np.ones(2, np.float32)
    lif = nir.LIF(tau=ones, r=ones, v_leak=ones, v_threshold=ones)
    return nir.NIRGraph.from_list(nir.Affine(np.ones((2, 3), np.float32), ones), lif, nir.Linear(np.eye(2)))


def test_a_plain_graph_is_read_as_nir_reads_it(tmp_path: Path) -> None:
    write_nir(plain(), tmp_path / "a.nir")
    ours, theirs = read_nir(tmp_path / "a.nir"), nir.read(tmp_path / "a.nir")
    assert ours.nodes.keys() == theirs.nodes.keys()
    assert sorted(ours.edges) == sorted(theirs.edges)
    np.testing.assert_array_equal(ours.nodes["affine"].weight, theirs.nodes["affine"].weight)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.nir"]


def edit(change: Callable[[h5py.File], object]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        nir.write(path, plain())
        with h5py.File(path, "a") as file:
            change(file)

    return make


def _lie_about_type(file: h5py.File) -> None:
    del file["node/nodes/lif/type"]
    file["node/nodes/lif/type"] = "Transformer"


def _dangle(file: h5py.File) -> None:
    file["node/edges"][0] = ("input", "nowhere")


def _nest(file: h5py.File) -> None:
    group = file["node"]
    for _ in range(80):
        group = group.create_group("deeper")


def _huge(file: h5py.File) -> None:
    file.create_dataset("node/nodes/lif/huge", shape=(1 << 20, 1 << 20), dtype="f8", chunks=(64, 64))


def _drop(file: h5py.File) -> None:
    del file["node/nodes/lif/tau"]


def _external(file: h5py.File) -> None:
    file["node/nodes/other"] = h5py.ExternalLink("elsewhere.h5", "/node")


def _loop(file: h5py.File) -> None:
    file["node/nodes/loop"] = file["node"]


def _shape(file: h5py.File) -> None:
    del file["node/nodes/lif/tau"]
    file["node/nodes/lif/tau"] = np.ones(7)


def _no_node(file: h5py.File) -> None:
    del file["node"]


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "no such file"),
    "text": (lambda path: path.write_text("not HDF5"), "not a readable HDF5 file"),
    "truncated": (lambda path: (nir.write(path, plain()), path.write_bytes(path.read_bytes()[:900])), "HDF5"),
    "no node": (edit(_no_node), "no group 'node'"),
    "unknown type": (edit(_lie_about_type), "lif has the unknown type 'Transformer'"),
    "dangling edge": (edit(_dangle), "nowhere"),
    "too deep": (edit(_nest), "nested"),
    "too large": (edit(_huge), "bytes of arrays"),
    "missing parameter": (edit(_drop), "lif is not a valid LIF"),
    "wrong shape": (edit(_shape), "lif is not a valid LIF"),
    "external link": (edit(_external), "link to another place"),
    "hard link cycle": (edit(_loop), "inside of itself"),
    "not a graph": (lambda path: nir.write(path, nir.Linear(np.eye(2))), "holds a Linear"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_one_error(case: str, tmp_path: Path) -> None:
    make, text = BROKEN[case]
    path = tmp_path / "broken.nir"
    make(path)
    with pytest.raises(CompileError, match=text) as caught:
        read_nir(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["a/b", "größe", "", ".."])
def test_names_that_a_file_cannot_hold(name: str, tmp_path: Path) -> None:
    graph = nir.NIRGraph({name: nir.Input({"input": np.array([2])})}, [], type_check=False)
    with pytest.raises(CompileError, match="cannot be a name"):
        write_nir(graph, tmp_path / "a.nir")


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    kept = [f".a.nir.{os.getppid()}.part", ".a.nir.mine.part", ".b.nir.1.part", f".a.nir.{1 << 70}.part"]
    for name in (f".a.nir.{ended.pid}.part", *kept):
        (tmp_path / name).touch()
    write_nir(plain(), tmp_path / "a.nir")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a.nir", *kept])


def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "a.nir").write_text("old")
    unset = nir.Input({"input": np.array([2])})
    unset.metadata = {"cannot": None}
    with pytest.raises(CompileError, match="cannot write"):
        write_nir(nir.NIRGraph({"input": unset}, [], type_check=False), tmp_path / "a.nir")
    assert (tmp_path / "a.nir").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.nir"]
    with pytest.raises(CompileError, match="empty graph"):
        write_nir(nir.NIRGraph({}, [], type_check=False), tmp_path / "a.nir")
    with pytest.raises(CompileError, match="cannot write"):
        write_nir(plain(), tmp_path / "no" / "such" / "folder.nir")
