"""A mistake of ours is one error that says where its traceback is."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from compile.command.exit_code import EXIT_BUG, exit_code
from compile.command.internal_error import internal_error
from ir.errors import known_names


def mistake() -> int:
    return len(known_names("name", 3))  # pyright: ignore[reportArgumentType]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_traceback_is_in_a_file(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert exit_code(mistake) == EXIT_BUG
    text = capsys.readouterr().err
    (file,) = folder.iterdir()
    assert text.startswith("error[internal]: a mistake of the compiler, TypeError: ")
    assert f"  where   {file}\n" in text
    assert "Traceback" not in text
    written = file.read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" in written
    assert "in known_names" in written
    assert "Python 3." in written


def test_without_a_place_for_it_the_line_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "gone"))
    with pytest.raises(TypeError) as caught:
        mistake()
    assert "errors.py:" in internal_error(caught.value).where


def test_errors_without_a_text(folder: Path, capsys: pytest.CaptureFixture[str]):
    class Speechless(BaseException):
        def __str__(self) -> str:
            raise RuntimeError

    assert "Speechless" in internal_error(Speechless().with_traceback(None)).what
    (file,) = folder.iterdir()
    assert "Speechless" in file.read_text(encoding="utf-8")
