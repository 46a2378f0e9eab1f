"""The user's model file as a module, and calls of its code."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from models.training.exit_code import TrainingError, first_line, raise_pending

LIBRARIES = {"site-packages", "dist-packages"}
"""Folders of what is installed."""
Result = TypeVar("Result")


def run_model_file(path: Path) -> ModuleType:
    """What a model file defines; TrainingError where there is none, or it does not run."""
    spec = importlib.util.spec_from_file_location(f"model_file_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise TrainingError(f"no model file {path}")
    module, writes = importlib.util.module_from_spec(spec), sys.dont_write_bytecode
    sys.modules[spec.name] = module  # dataclasses look their module up where annotations are strings
    sys.dont_write_bytecode = True  # nothing is left beside the user's file
    try:
        called(f"{path} does not run", partial(spec.loader.exec_module, module))
    finally:
        sys.dont_write_bytecode = writes
    return module


def called(what: str, function: Callable[[], Result], refusals: tuple[type[Exception], ...] = ()) -> Result:
    """
    The result of a user's code, which may fail, or end Python, in any way.

    Args:
        what: how the message begins.
        function: the user's own, or a `partial` of it, so that no line of ours is taken for the user's.
        refusals: exceptions whose message says it all.

    Raises:
        TrainingError: in place of what it raises, with the line of the user's own code where there is one.
        KeyboardInterrupt: as it is, also where the code kept it to itself.
    """
    try:
        result = function()
        raise_pending()
        return result
    except (TrainingError, KeyboardInterrupt):
        raise
    except refusals as error:
        raise TrainingError(f"{what}: {first_line(error)}") from None
    except BaseException as error:
        text = ": ".join(filter(None, (what, type(error).__name__, first_line(error))))
        raise TrainingError(text + _place(error)) from error


def _place(error: BaseException) -> str:
    """The innermost line of an exception that is neither a library's nor the training's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(Path(frame.filename))]
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""


def _is_users(path: Path) -> bool:
    ours, python = Path(__file__).parent, Path(sysconfig.get_path("stdlib"))
    is_library = path.is_relative_to(python) or not LIBRARIES.isdisjoint(path.parts)
    return path.is_file() and ours not in path.parents and not is_library
