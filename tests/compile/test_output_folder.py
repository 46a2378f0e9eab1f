"""Outputs appear whole or not at all, and nothing of the user's is lost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from compile.output_folder import check_folder, output_folder
from ir.errors import CompileError

REPORT = '{\n "schema": "spike-compiler-report/1"\n}'


def test_appears_whole(tmp_path: Path):
    with output_folder(tmp_path / "deep" / "out") as folder:
        (folder / "a.txt").write_text("a")
        assert not (tmp_path / "deep" / "out").exists()
    assert (tmp_path / "deep" / "out" / "a.txt").read_text() == "a"
    assert [item.name for item in (tmp_path / "deep").iterdir()] == ["out"]


def test_nothing_appears_after_a_failure(tmp_path: Path):
    def interrupted() -> None:
        with output_folder(tmp_path / "out") as folder:
            (folder / "a.txt").write_text("a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exists", [True, False])
def test_an_interrupt_right_after_a_folder_is_made_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
):
    out = tmp_path / "out"
    if exists:
        out.mkdir()
    real = Path.mkdir

    def interrupted(path: Path, **options: Any) -> None:
        real(path, **options)
        if path.name.startswith(".out."):
            raise KeyboardInterrupt

    for user in (check_folder, lambda target: output_folder(target).__enter__()):
        monkeypatch.setattr(Path, "mkdir", interrupted)
        with pytest.raises(KeyboardInterrupt):
            user(out)
        monkeypatch.undo()
        assert sorted(tmp_path.rglob("*")) == ([out] if exists else [])


def test_second_run_keeps_the_users_files(tmp_path: Path):
    out = tmp_path / "out"
    (out / "ir").mkdir(parents=True)
    (out / "ir" / "old.txt").write_text("old")
    (out / "lowered.nir").write_text("stale: this run says why there is none")
    (out / "report.json").write_text(REPORT)
    (out / "mine.txt").write_text("mine")
    with output_folder(out) as folder:
        (folder / "ir").mkdir()
        (folder / "ir" / "new.txt").write_text("new")
    assert (out / "mine.txt").read_text() == "mine"
    assert [item.name for item in (out / "ir").iterdir()] == ["new.txt"]
    assert sorted(item.name for item in out.iterdir()) == ["ir", "mine.txt"]


def test_a_users_file_is_never_replaced(tmp_path: Path):
    (tmp_path / "outputs.npz").write_text("mine")

    def run() -> None:
        with output_folder(tmp_path) as folder:
            (folder / "a.txt").write_text("a")
            (folder / "outputs.npz").write_text("ours")

    with pytest.raises(CompileError, match=r"out\.exists"):
        run()
    assert [(item.name, item.read_text()) for item in tmp_path.iterdir()] == [("outputs.npz", "mine")]


def test_a_move_that_fails_leaves_the_earlier_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    names = ("network.nir", "outputs.npz", "report.json")
    for name in names:
        (tmp_path / name).write_text(REPORT)
    real, done = os.rename, []

    def interrupted(old: Path, new: Path) -> None:
        done.append(new)
        if len(done) == 5:  # after the three old ones and the first new one
            raise KeyboardInterrupt
        real(old, new)

    def run() -> None:
        with output_folder(tmp_path) as folder:
            for name in names:
                (folder / name).write_text("new")
            monkeypatch.setattr(os, "rename", interrupted)

    with pytest.raises(KeyboardInterrupt):
        run()
    assert {item.name: item.read_text() for item in tmp_path.iterdir()} == dict.fromkeys(names, REPORT)


def test_no_space_left_is_one_error(tmp_path: Path):
    with pytest.raises(CompileError, match="No space left"), output_folder(tmp_path / "out") as folder:
        raise OSError(28, "No space left on device", str(folder / "x"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_a_folder(tmp_path: Path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(CompileError, match=r"out\.file"), output_folder(tmp_path / "out"):
        pass
    assert (tmp_path / "out").read_text() == "mine"


def test_a_folder_below_a_file_is_one_error(tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CompileError, match=r"out\.write"), output_folder(tmp_path / "file" / "out"):
        pass
