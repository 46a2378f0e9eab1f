"""Folders that are there, and folders that are gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontend.current_folder import change_folder, current_folder


def test_there_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert current_folder() == str(tmp_path)
    (tmp_path / "below").mkdir()
    change_folder(str(tmp_path / "below"))
    assert current_folder() == str(tmp_path / "below")


def test_where_the_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert current_folder() is None
    change_folder(None)
    change_folder(str(gone))
    assert current_folder() is None
    change_folder(str(tmp_path))
    assert current_folder() == str(tmp_path)
