"""Runs a user's Python file and its functions; whatever they raise becomes one error that names the file and the line."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from ir.errors import CompileError


def import_file(path: Path) -> ModuleType:
    """The executed file; CompileError if it does not exist, does not parse, or raises."""
    if not path.is_file():
        raise CompileError(
            "model.file", "no such model file", where=str(path), hint="name a Python file with build() and example()"
        )
    name = f"model_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CompileError(
            "model.file", "not a Python file", where=str(path), hint="name a Python file with build() and example()"
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.extend(_import_paths(path))
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise CompileError(
            "model.syntax", f"syntax error: {error.msg}", where=f"{error.filename}:{error.lineno}"
        ) from error
    except (Exception, SystemExit) as error:
        raise _failed(path, "importing the file", error) from error
    finally:
        del sys.path[-len(_import_paths(path)) :]
    return module


def _import_paths(path: Path) -> list[str]:
    """Where the file's own imports are looked for: beside it, and above the package it is in."""
    root = path.resolve().parent
    while (root / "__init__.py").is_file():
        root = root.parent
    return [str(path.resolve().parent), str(root)]


def call(path: Path, name: str, function: Callable[..., Any], *arguments: Any, rule: str = "model.exception") -> Any:
    """A function of the user's file; what it raises becomes one error, located at `path`."""
    try:
        return function(*arguments)
    except CompileError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed(path, f"{name}()", error, rule) from error


def _failed(path: Path, doing: str, error: Exception | SystemExit, rule: str = "model.exception") -> CompileError:
    frames = inspect.getinnerframes(error.__traceback__) if error.__traceback__ else []
    line = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else str(path)
    return CompileError(
        rule, f"{doing} raised {type(error).__name__}: {error}", where=str(path), hint=f"raised at {line}"
    )


def broken(path: Path, what: str, *, hint: str = "see the model contract: build, example, T") -> CompileError:
    """The error of a file that does not keep the contract."""
    return CompileError("model.contract", what, where=str(path), hint=hint)
