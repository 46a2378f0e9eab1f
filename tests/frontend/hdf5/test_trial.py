"""A reader that hangs, crashes, eats memory or raises does so in a child; the caller gets one error."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from frontend.hdf5 import trial as hdf5_trial
from ir.errors import CompileError


def hang() -> None:
    while True:
        pass


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def eat() -> bytes:
    return bytes(4 << 30)


def refuse() -> None:
    raise CompileError("nir.x", "größe\0 is wrong", hint="mend it")


CASES: dict[str, tuple[Callable[[], object], str, str]] = {
    "hangs": (hang, "nir.file", "within 0.2 s of processor time"),
    "crashes": (crash, "nir.file", "without crashing"),
    "is stopped": (stop, "nir.file", "stopped (SIGSTOP) for 1 s"),
    "eats memory": (eat, "nir.file", "MemoryError"),
    "refuses": (refuse, "nir.x", r"größe\x00 is wrong"),
    "fails": (lambda: [][1], "nir.file", "IndexError"),
    "refuses at length": (lambda: (_ for _ in ()).throw(CompileError("nir.x", "long " * 100_000)), "nir.x", "long"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_happens_in_the_child_is_one_error(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, rule, text = CASES[case]
    if case == "hangs":  # the others end by themselves, however busy the machine is
        monkeypatch.setattr(hdf5_trial, "SECONDS", 0.2)
    monkeypatch.setattr(hdf5_trial, "STOPPED_SECONDS", 1)
    (tmp_path / "file").write_bytes(b"x")

    def attempt() -> object:
        return next(made) if hasattr(made := read(), "__next__") else made

    start = time.perf_counter()
    with pytest.raises(CompileError) as caught:
        hdf5_trial.trial(tmp_path / "file", attempt, 0)
    assert caught.value.rule == rule
    assert text in caught.value.what
    assert time.perf_counter() - start < 300


@pytest.mark.parametrize("then", [hang, stop])
def test_an_interrupt_leaves_no_child(
    then: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork, children = os.fork, list[int]()

    def recorded() -> int:
        child = fork()
        if child:
            time.sleep(0.1)  # a child that did not wait would have sent its interrupt before anyone watches
        children.append(child)
        return child

    def read() -> None:
        os.kill(os.getppid(), signal.SIGINT)
        then()

    monkeypatch.setattr(os, "fork", recorded)
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(KeyboardInterrupt):
        hdf5_trial.trial(tmp_path / "file", read, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(children[0], 0)


def test_a_child_that_is_killed_before_it_begins_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fork = os.fork

    def killed() -> int:
        child = fork()
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        return child

    monkeypatch.setattr(os, "fork", killed)
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(CompileError, match="without crashing") as caught:
        hdf5_trial.trial(tmp_path / "file", lambda: None, 0)
    assert caught.value.rule == "nir.file"


def test_processor_time_is_limited_and_not_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_trial, "SECONDS", 0.1)
    (tmp_path / "file").write_bytes(b"x")
    hdf5_trial.trial(tmp_path / "file", lambda: time.sleep(0.3), 0)


def test_a_sound_read_says_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    before = len(os.listdir("/proc/self/fd"))
    kept: list[int] = []
    hdf5_trial.trial(tmp_path / "file", lambda: kept.append(1), 0)
    assert kept == []
    assert len(os.listdir("/proc/self/fd")) == before
