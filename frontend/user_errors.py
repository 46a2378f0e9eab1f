"""
What code of users raises, told as one error: any exception, `sys.exit` too, with the user's own line; requests to end pass.

Code of users is whatever lies neither in the compiler nor in a library: the line that matters is theirs, not the one in torch at
which it ended.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb

from ir.errors import CompileError

_PACKAGES = Path(__file__).parents[1]
_TRAINING = (os.path.join("models", "training"), os.path.join("models", "zoo"))
_OURS = tuple(
    f"{_PACKAGES / name}{os.sep}" for name in ("backends", "compile", "frontend", "hw_profiles", "ir", *_TRAINING)
)
_PYTHON = tuple(f"{sysconfig.get_path(kind)}{os.sep}" for kind in ("stdlib", "platstdlib"))
_INSTALLED = ("site-packages", "dist-packages")


@contextmanager
def user_code(doing: str, where: str = "", rule: str = "model.exception", hint: str = "") -> Generator[None]:
    """
    Run code of a user: what it raises, or a library that it calls, becomes one error.

    Args:
        doing: what raised, as "build()".
        where, hint: what the error says beside it.
    """
    try:
        yield
    except (CompileError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise user_error(doing, error, where, rule, hint) from error


@contextmanager
def user_objects() -> Generator[None]:
    """The same for code that may reach code of users anywhere, as in properties: other errors stay what they are."""
    try:
        yield
    except (CompileError, KeyboardInterrupt):
        raise
    except BaseException as error:
        if _is_users(error):
            raise user_error("code of the model", error) from error
        raise


def user_error(
    doing: str, error: BaseException, where: str = "", rule: str = "model.exception", hint: str = ""
) -> CompileError:
    """The error of `doing`, which raised `error`, with the user's own line."""
    hints = "; ".join(filter(None, (raised_at(error), hint)))
    return CompileError(rule, f"{doing} raised {told(error)}", where=where, hint=hints)


def raised_at(error: BaseException) -> str:
    """The innermost line of a user's own on the way to an exception, in words; "" where there is none."""
    lines = [place for place in _places(error) if _is_user_file(place.rpartition(":")[0])]
    return f"raised at {lines[-1]}{_shadow(error, lines[-1])}" if lines else ""


def _shadow(error: BaseException, line: str) -> str:
    """What to do about a neighbour that has the name of a module of Python's own, and so is never found."""
    name = ((error.name or "") if isinstance(error, ImportError) else "").partition(".")[0]
    if name not in sys.stdlib_module_names or not Path(line).with_name(f"{name}.py").is_file():
        return ""
    return f"; {name} is a module of Python's own, the file {name}.py needs another name"


def told(error: BaseException) -> str:
    """Class and text of an exception, whatever making the text does."""
    try:
        text = str(error)
    except Exception:  # the user's code once more
        text = "(it has no text)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _is_users(error: BaseException) -> bool:
    """Whether the innermost line outside of libraries is a user's, and none of the compiler's."""
    files = [place.rpartition(":")[0] for place in _places(error)]
    return _is_user_file(next((file for file in reversed(files) if not _is_library(file)), ""))


def _places(error: BaseException) -> list[str]:
    """File and line of every call on the way to the exception, from where it is caught."""
    return [f"{frame.f_code.co_filename}:{line}" for frame, line in walk_tb(error.__traceback__)]


def _is_user_file(file: str) -> bool:
    return bool(file) and not file.startswith(_OURS) and not _is_library(file)


def _is_library(file: str) -> bool:
    """Whether a file is Python's, an installed package's but ours, or none at all, as generated code has it."""
    if file.startswith(_OURS):  # which are installed packages, too
        return False
    return file.startswith(("<", *_PYTHON)) or not set(_INSTALLED).isdisjoint(Path(file).parts)
