"""Ctrl-C and requests to end wait while processes are forked and ended, and are never lost."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator


@contextlib.contextmanager
def interrupts_deferred() -> Generator[None]:
    """
    Hold Ctrl-C and requests to end back for a moment, and handle them afterwards (only the main thread receives them).

    Children forked meanwhile inherit the note-taking handler, that is, they ignore Ctrl-C, which is the parent's to handle.
    An exception raised amid a fork would be lost: Python ignores those of its hooks.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    noted: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    handled = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in handled:
        signal.signal(number, lambda number, frame: noted.append(number))
    try:
        yield
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)
        if noted:
            signal.raise_signal(noted[0])
