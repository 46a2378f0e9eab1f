"""Threads are tried in a child process, and nothing is left of it."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from backends.system.threads import can_start


def test_a_few_can_be_started_and_none_is_left(monkeypatch: pytest.MonkeyPatch):
    fork, children = os.fork, list[int]()

    def recorded() -> int:
        children.append(fork())
        return children[-1]

    monkeypatch.setattr(os, "fork", recorded)
    before = threading.active_count()
    assert can_start(5)
    assert threading.active_count() == before
    with pytest.raises(ProcessLookupError):
        os.kill(children[0], 0)


@pytest.mark.parametrize("most", [0, 3])
def test_one_too_many_is_found(most: int, monkeypatch: pytest.MonkeyPatch):
    start, left = threading.Thread.start, [most]

    def limited(thread: threading.Thread) -> None:
        if not left[0]:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    assert can_start(most + 1)
    assert not can_start(most + 2)


def test_where_no_process_can_be_started_no_thread_can(monkeypatch: pytest.MonkeyPatch):
    def full() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", full)
    assert not can_start(1)


def test_ctrl_c_meanwhile_is_no_limit_and_is_not_lost(monkeypatch: pytest.MonkeyPatch):
    fork, found = os.fork, list[bool]()

    def interrupted() -> int:
        child = fork()
        os.kill(os.getpid(), signal.SIGINT)  # both are: the terminal's Ctrl-C goes to the group
        return child

    monkeypatch.setattr(os, "fork", interrupted)
    with pytest.raises(KeyboardInterrupt):
        found.append(can_start(3))
    assert found == []
    monkeypatch.setattr(signal, "raise_signal", lambda number: None)
    assert can_start(3)
