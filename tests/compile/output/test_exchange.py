"""Two folders swap names, or nothing happens."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from compile.output.exchange import exchange


def _folders(place: Path) -> tuple[Path, Path]:
    for name in ("a", "b"):
        (place / name).mkdir()
        (place / name / name).write_text("")
    return place / "a", place / "b"


def test_full_folders_swap_names(tmp_path: Path):
    first, second = _folders(tmp_path)
    assert exchange(first, second), "needs Linux and a file system with renameat2"
    assert (first / "b").exists()
    assert (second / "a").exists()


def test_nothing_happens_where_one_is_missing_or_inside_the_other(tmp_path: Path):
    first, second = _folders(tmp_path)
    assert not exchange(first, tmp_path / "c")
    assert not exchange(first, tmp_path)
    assert (first / "a").exists()
    assert (second / "b").exists()


def test_a_system_without_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not exchange(*_folders(tmp_path))
