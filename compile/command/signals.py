"""A request to end (Ctrl-C, SIGTERM, SIGHUP) unwinds the program, so that nothing is left behind, and is never lost."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

_HANDLED = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
"""Signal -> its handler in a program that did nothing about it; any other handler, or none, is the user's will."""
_received: list[int] = []


class SignalReceived(KeyboardInterrupt):
    """A signal asked for the end; unlike SystemExit, which a model file may raise itself, it is never the model's doing."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number
        super().__init__(signal.Signals(number).name)


@contextmanager
def raise_on_signals() -> Generator[None]:
    """
    Let the signals raise `SignalReceived` meanwhile, with the exit code that a shell shows for them; ignored ones stay so.

    Libraries that are interrupted may raise what they like: whatever ends the block after a request is that request.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _received.clear()
    before = {number: handler for number, handler in _HANDLED.items() if signal.getsignal(number) == handler}
    for number in before:
        signal.signal(number, _raise)
    hook = sys.unraisablehook

    def show_others(lost: Any) -> None:
        """What a request leads to in a finaliser or a callback is lost, and it is heeded later: nothing to show."""
        if not _received:
            hook(lost)

    sys.unraisablehook = show_others
    try:
        yield
    except SignalReceived:
        raise
    except BaseException:
        raise_pending()
        raise
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
        _received.clear()


def is_request(error: BaseException) -> bool:
    """Whether an exception is a request to end, whatever this became on its way."""
    return bool(_received) or isinstance(error, KeyboardInterrupt)


def raise_pending() -> None:
    """Raise `SignalReceived` for a request whose exception was lost, as in a library that catches all while it is imported."""
    if _received:
        raise SignalReceived(_received[0]) from None


def _raise(number: int, frame: Any) -> None:
    _received.append(number)
    raise SignalReceived(number)
