"""Stages and laps with their times; progress that cannot be written is no reason to fail."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout

import pytest

from compile.command import progress as progress_module
from compile.command import signals
from compile.command.progress import ErrorStream, Progress, announce, note
from compile.version import version


class FullDisk(io.StringIO):
    def write(self, s: str) -> int:
        raise OSError(28, "No space left on device")


def test_progress_that_cannot_be_written_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stderr", FullDisk())
    progress = Progress()
    with progress.stage("load"):
        pass
    note("something happened")
    assert "load" in progress.seconds


def test_an_error_stream_that_was_closed_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    stream.close()
    with Progress().stage("load"):
        pass
    note("something happened")


def test_code_of_users_closes_a_stand_in(capsys: pytest.CaptureFixture[str]):
    with redirect_stdout(ErrorStream()):
        print("before")
        sys.stdout.close()
        print("behind", flush=True)
        assert (sys.stdout.isatty(), sys.stdout.closed) == (False, True)
    announce("the rest")
    assert capsys.readouterr().err.splitlines() == ["before", "behind", f"spike-compile {version()}: the rest"]


def test_a_note_is_a_line_of_its_own(capsys: pytest.CaptureFixture[str]):
    note("something happened")
    assert capsys.readouterr() == ("", "  something happened\n")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Times that `perf_counter` will tell."""
    times: list[float] = []
    monkeypatch.setattr(progress_module.time, "perf_counter", lambda: times.pop(0))
    return times


def test_a_stage_says_its_name_when_it_starts_and_its_time_when_it_ends(clock: list[float], capsys):
    clock.extend([10.0, 12.5])
    progress = Progress()
    with progress.stage("load"):
        assert capsys.readouterr().err == "  load ..."
    captured = capsys.readouterr()
    assert (captured.err, captured.out) == (" 2.5 s\n", "")
    assert progress.seconds == {"load": 2.5}


def test_laps_are_times_since_the_lap_before_and_add_up(clock: list[float], capsys):
    clock.extend([0.0, 1.0, 3.0, 3.5, 4.0])
    progress = Progress(quiet=True)
    with progress.stage("net: compile"):
        progress.lap("fold")
        progress.lap("text")
        progress.lap("fold")
    assert progress.seconds == {"net: compile: fold": 1.5, "net: compile: text": 2.0, "net: compile": 4.0}
    assert capsys.readouterr().err == ""


def test_a_note_has_a_line_of_its_own(clock: list[float], capsys):
    clock.extend([0.0, 2.0])
    progress = Progress()
    with progress.stage("run"):
        progress.note("in pieces")
    assert capsys.readouterr().err == "  run ...\n    in pieces ... 2.0 s\n"


def test_a_stage_that_fails_ends_its_line_and_has_no_time(capsys):
    progress = Progress()
    with pytest.raises(ValueError, match="boom"), progress.stage("load"):
        raise ValueError("boom")
    assert capsys.readouterr().err == "  load ...\n"
    assert progress.seconds == {}


def test_no_stage_starts_after_a_request_to_end(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(signals, "_received", [2])
    with pytest.raises(signals.SignalReceived), Progress().stage("load"):
        raise AssertionError("it started")
    assert capsys.readouterr().err == ""
