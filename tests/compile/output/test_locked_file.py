"""One process at a time is inside, a dead one never."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path

import pytest

from compile.output import locked_file as module
from compile.output.locked_file import check_owner, is_at, locked_file
from ir.errors import CompileError


def test_a_second_one_waits_and_is_told(tmp_path: Path):
    with locked_file(tmp_path / "deep" / "lock") as lock:
        assert is_at(lock, tmp_path / "deep" / "lock")
        with (
            pytest.raises(CompileError, match=r"out\.busy.*another run is writing"),
            locked_file(tmp_path / "deep" / "lock", patience=0.1),
        ):
            pass
    with locked_file(tmp_path / "deep" / "lock", patience=0):
        pass


def test_a_killed_process_holds_nothing(tmp_path: Path):
    child = os.fork()
    if not child:
        with locked_file(tmp_path / "lock"):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with locked_file(tmp_path / "lock", patience=0):
        pass


def test_a_file_that_was_taken_away_meanwhile_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whoever was inside has removed the file between opening and locking it."""
    real, calls = fcntl.flock, list[int]()

    def taken(descriptor: int, how: int) -> None:
        real(descriptor, how)
        if not calls:
            (tmp_path / "lock").unlink()
        calls.append(how)

    monkeypatch.setattr(module.fcntl, "flock", taken)
    with locked_file(tmp_path / "lock") as lock:
        assert is_at(lock, tmp_path / "lock")
    assert len(calls) == 2


def test_a_file_system_without_locks_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def none(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(module.fcntl, "flock", none)
    with locked_file(tmp_path / "lock", patience=0):
        pass


def test_nothing_is_entered_through_a_link_or_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="symbolic links"), locked_file(tmp_path / "link"):
        pass
    assert not (tmp_path / "mine").exists()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(CompileError, match=r"out\.owner"):
        check_owner(tmp_path)
    with pytest.raises(CompileError, match=r"out\.owner"), locked_file(tmp_path / "lock", patience=0):
        pass
