"""An exception that nobody expected is a mistake of ours: one error, and a file with everything that a report of it needs."""

from __future__ import annotations

import os
import platform
import sys
import traceback
from contextlib import suppress
from tempfile import mkstemp

from compile.version import version
from frontend.user_errors import told
from ir.errors import CompileError


def internal_error(error: BaseException) -> CompileError:
    """The error of an unknown exception; its traceback is written beside the system's other temporary files."""
    hint = "please report it, with this file and what you compiled"
    return CompileError("internal", f"a mistake of the compiler, {told(error)}", where=_written(error), hint=hint)


def _written(error: BaseException) -> str:
    """The path of a new file with the traceback; where none can be written, the line that failed."""
    head = f"spike-compile {version()}, Python {platform.python_version()}, {platform.platform()}\n{sys.argv}\n\n"
    text = head + "".join(traceback.format_exception(error))
    with suppress(OSError):
        handle, path = mkstemp(".txt", "spike-compile-")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        return path
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}"
