"""Kill a process before any step of it that changes files: no luck with times, and every moment between two steps is had."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

STEPS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.utime", "fcntl.flock", "ctypes.dlsym"}
"""Events of Python's audit that come before a change; the last one comes before the system calls that Python does not have."""


def killed_before(step: int, action: Callable[[], object]) -> bool:
    """Run an action in a process of its own that SIGKILL ends before its n-th step; whether it had so many."""
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
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), "the action failed by itself"
    return status != 0


def every_kill(scene: Callable[[], Callable[[], object]], every: int = 1) -> Iterator[int]:
    """Make a scene anew for each step (or every n-th one) of the action that it gives, and kill that there; the step's number."""
    for step in count(0, every):
        if not killed_before(step, scene()):
            return
        yield step


def _writes(event: str, arguments: tuple[Any, ...]) -> bool:
    return event == "open" and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
