"""The user's model file as a module."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from models.training.run_files import TrainingError


def run_model_file(path: Path) -> ModuleType:
    """What a model file defines; TrainingError where there is none, or it does not run."""
    spec = importlib.util.spec_from_file_location(f"model_file_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise TrainingError(f"no model file {path}")
    module, writes = importlib.util.module_from_spec(spec), sys.dont_write_bytecode
    sys.modules[spec.name] = module  # dataclasses look their module up where annotations are strings
    sys.dont_write_bytecode = True  # nothing is left beside the user's file
    try:
        called(path, f"{path} does not run", lambda: spec.loader.exec_module(module))  # pyright: ignore[reportOptionalMemberAccess]
    finally:
        sys.dont_write_bytecode = writes
    return module


def called(path: Path, what: str, function: Callable[[], Any], refusals: tuple[type[Exception], ...] = ()) -> Any:
    """
    The result of code of a user's file, which may fail, or end Python, in any way.

    Raises:
        TrainingError: in place of what it raises: the message alone of its `refusals`, else with the line of the file `path`.
    """
    try:
        return function()
    except refusals as error:
        raise TrainingError(f"{what}: {_first_line(error)}") from None
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path.resolve()]
        place = f" ({path}, line {lines[-1]})" if lines else ""
        raise TrainingError(f"{what}: {type(error).__name__}: {_first_line(error)}{place}") from error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "")
