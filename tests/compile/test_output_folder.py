"""Outputs appear whole or not at all, and nothing of the user's is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from compile.output_folder import output_folder
from ir.errors import CompileError


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


def test_second_run_keeps_the_users_files(tmp_path: Path):
    out = tmp_path / "out"
    (out / "ir").mkdir(parents=True)
    (out / "ir" / "old.txt").write_text("old")
    (out / "mine.txt").write_text("mine")
    with output_folder(out) as folder:
        (folder / "ir").mkdir()
        (folder / "ir" / "new.txt").write_text("new")
    assert (out / "mine.txt").read_text() == "mine"
    assert [item.name for item in (out / "ir").iterdir()] == ["new.txt"]


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
