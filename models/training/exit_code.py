"""
What a command of the training ends with: 0 done, 1 our bug, 2 what the user can mend, 128 + n after the signal n.

No library is imported here: a request to end is heard before torch loads, which takes seconds, and never lost.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TextIO

BUG, BAD_INPUT, INTERRUPTED = 1, 2, 130
REQUESTS = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
"""Signal -> its handler in a program that did nothing about it; any other, as `nohup` sets one, is the user's will."""
LONGEST = 300
"""Characters of an error's text that are shown."""
_received: list[int] = []


class TrainingError(Exception):
    """What the user can mend: one line that says what, where, and what to do."""


class Interrupted(KeyboardInterrupt):
    """A request to end; its text is what the run leaves."""


def exit_code(run: Callable[[], int]) -> int:
    """The exit code of a command; whatever it raises becomes one line on the error stream."""
    before = {number: usual for number, usual in REQUESTS.items() if signal.getsignal(number) == usual}
    for number in before:
        signal.signal(number, _raise)
    try:
        try:
            code = run()
        finally:
            _ignore(before)
    except BaseException as error:
        code = _ended_by(error)
    for number, usual in before.items():
        signal.signal(number, usual)
    _received.clear()
    return code


def raise_pending() -> None:
    """Raise `Interrupted` for a request whose exception was lost, as in a library that catches all while it is imported."""
    if _received:
        raise Interrupted


def is_interrupt(error: BaseException) -> bool:
    """Whether an exception is a request to end, whatever this became on its way."""
    return bool(_received) or isinstance(error, KeyboardInterrupt)


def first_line(error: BaseException) -> str:
    """The first line of an error's text, as a terminal can show it."""
    try:
        text = next(iter(str(error).splitlines()), "")
    except Exception:
        return "it cannot be shown"
    shown = "".join(letter if letter.isprintable() else "?" for letter in text[:LONGEST])
    return f"{shown}..." if len(text) > LONGEST else shown


def say(text: str, stream: TextIO) -> None:
    """Print a line; a full disk, or a reader that went away, is no reason to stop."""
    try:
        print(text, file=stream, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # what is buffered goes there in the end


def prepare_streams() -> None:
    """Any letter can be printed, as `?` where the terminal lacks it; a closed stream takes everything in silence."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (for the rest of the program)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _raise(number: int, frame: Any) -> None:
    _received.append(number)
    raise Interrupted


def _ignore(numbers: Iterable[signal.Signals]) -> None:
    for number in numbers:
        with suppress(Interrupted):  # a request that comes just now comes too late, or is not the first
            signal.signal(number, signal.SIG_IGN)


def _ended_by(error: BaseException) -> int:
    if is_interrupt(error):
        left = str(error) if isinstance(error, Interrupted) else ""
        say(f"interrupted; {left}" if left else "interrupted", sys.stderr)
        return 128 + _received[0] if _received else INTERRUPTED
    if isinstance(error, TrainingError):
        say(f"error: {error}", sys.stderr)
        return BAD_INPUT
    if isinstance(error, OSError):
        say(f"error: {error.strerror or first_line(error)}: {error.filename or ''}", sys.stderr)
        return BAD_INPUT
    what = f"a mistake of ours, {type(error).__name__}: {first_line(error)}"
    say(f"error[internal]: {what}{_traceback_file(error)}", sys.stderr)
    return BUG


def _traceback_file(error: BaseException) -> str:
    """Where the traceback of our own bug is; nothing where no file can be written."""
    with suppress(OSError):
        descriptor, path = tempfile.mkstemp(prefix="training-", suffix=".txt")
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(traceback.format_exception(type(error), error, error.__traceback__))
        return f"; please report it with {path}, which holds the traceback"
    return ""
