"""The user's model file as a module."""

from __future__ import annotations

import importlib.util
import sys
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
        called(f"{path} does not run", lambda: spec.loader.exec_module(module))  # pyright: ignore[reportOptionalMemberAccess]
    finally:
        sys.dont_write_bytecode = writes
    return module


def called(what: str, function: Callable[[], Any]) -> Any:
    """The result of a user's function, which may fail, or end Python, in any way: then TrainingError says `what`."""
    try:
        return function()
    except (Exception, SystemExit) as error:
        raise TrainingError(f"{what}: {type(error).__name__}: {error}") from error
