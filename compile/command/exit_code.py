"""
What a command ends with: 0 ok, 1 our bug, 2 bad usage or input, 3 the target cannot run the network,
4 a condition of `--fail-if` is met, 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from compile.command.internal_error import internal_error
from compile.command.shortage import shortage
from compile.command.signals import SignalReceived, raise_on_signals
from frontend.user_errors import user_objects
from ir.errors import CompileError

EXIT_OK, EXIT_BUG, EXIT_USAGE, EXIT_CONDITION, EXIT_INTERRUPTED = 0, 1, 2, 4, 130


def exit_code(run: Callable[[], int]) -> int:
    """The exit code of a command; nothing prints a traceback."""
    try:
        return _known_end(run)
    except SystemExit:  # argparse's, which has said why
        raise
    except BaseException as error:
        return complain(internal_error(error), EXIT_BUG)


def _known_end(run: Callable[[], int]) -> int:
    """The exit code of a command that ends as it should, or by what a user can mend."""
    try:
        with raise_on_signals(), user_objects():
            return run()
    except CompileError as error:
        return complain(error, error.exit_code)
    except SignalReceived as request:
        return complain(f"interrupted by {request}", request.exit_code)
    except KeyboardInterrupt:
        return complain("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except (MemoryError, RuntimeError) as error:
        short = shortage(error)
        if short is None:
            raise
        return complain(short, EXIT_USAGE)
    except OSError as error:
        return complain(CompileError("io", error.strerror or str(error), where=str(error.filename or "")), EXIT_USAGE)


def prepare_streams() -> None:
    """Any letter can be printed, as `?` where the terminal lacks it; a closed stream takes everything in silence."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (for the rest of the program)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def complain(what: object, exit_code: int) -> int:
    """Say an error on the error stream; the exit code that it ends with."""
    with suppress(
        OSError, ValueError
    ):  # the error stream may be a file on a full disk, or closed; the code still tells
        print(what, file=sys.stderr)
    return exit_code
