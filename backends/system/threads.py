"""Whether the system lets so many threads run at once: tried, since limits of users and of control groups come together."""

from __future__ import annotations

import os
import threading
import warnings

from backends.system.interrupts import interrupts_deferred

_STACK_BYTES = 1 << 16


def can_start(threads: int) -> bool:
    """Whether a child process can start so many threads, itself among them; this process gives up no address space for them."""
    with interrupts_deferred():  # one that ended the child alone would look like a limit
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", DeprecationWarning
                )  # 3.12 on threads: the child takes no lock of theirs
                child = os.fork()
        except OSError:
            return False
        if child == 0:
            _start(threads - 1)
        return os.waitpid(child, 0)[1] == 0


def _start(threads: int) -> None:
    """Start threads that wait, and end this process: well, if it could start them all."""
    status = 1
    try:
        threading.stack_size(_STACK_BYTES)
        for _ in range(threads):
            threading.Thread(target=threading.Event().wait, daemon=True).start()
        status = 0
    finally:
        os._exit(status)
