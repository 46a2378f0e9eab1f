"""Kill a process before any step of it that changes files: no luck with times, and every moment between two steps is had."""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Any

STEPS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.utime", "fcntl.flock", "ctypes.dlsym"}
"""Events of Python's audit that come before a change; the last one comes before the system calls that Python does not have."""


def killed_before(step: int, action: Callable[[], object]) -> bool:
    """
    Run an action in a process of its own that SIGKILL ends before its n-th step; whether it had so many.

    A `partial` of what can be imported runs in a fork of a small process: a fork of one with torch and all tests takes 30 times
    as long.
    """
    if isinstance(action, partial):
        requests, answers = _small_process()
        pickle.dump((step, action), requests)
        requests.flush()
        status = pickle.load(answers)
    else:
        status = _status_of_fork(step, action)
    assert status in (0, signal.SIGKILL), "the action failed by itself"
    return status != 0


def every_kill(scene: Callable[[], Callable[[], object]], every: int = 1) -> Iterator[int]:
    """Make a scene anew for each step (or every n-th one) of the action that it gives, and kill that there; the step's number."""
    for step in count(0, every):
        if not killed_before(step, scene()):
            return
        yield step


@cache
def _small_process() -> tuple[Any, Any]:
    """Where a process that runs `serve` takes its requests and gives its answers; it writes no bytecode, which would be steps."""
    command = [sys.executable, "-B", "-c", "from tests.killing import serve; serve()"]
    root = Path(__file__).parents[1]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root)
    atexit.register(process.communicate)
    return process.stdin, process.stdout


def serve() -> None:
    """Answer each (step, action) on standard input by the status of a fork, until there are no more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what actions print is no answer
    while True:
        try:
            step, action = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(_status_of_fork(step, action), answers)
        answers.flush()


def _status_of_fork(step: int, action: Callable[[], object]) -> int:
    child = os.fork()
    if not child:
        left = iter(range(step))

        def kill(event: str, arguments: tuple[Any, ...]) -> None:
            if (event in STEPS or _writes(event, arguments)) and next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(kill)
        try:
            action()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]


def _writes(event: str, arguments: tuple[Any, ...]) -> bool:
    return event == "open" and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
