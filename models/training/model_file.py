"""The user's model file as a module, and calls of its code."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from compile.command.quick_spikingjelly import import_spikingjelly
from compile.command.shortage import shortage
from compile.command.signals import raise_pending
from frontend.user_errors import raised_at, told
from ir.errors import CompileError
from models.training.training_error import TrainingError, first_line

SMALLER = "smaller batches, or a smaller configuration"
"""What to do where memory is short."""
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
        import_spikingjelly()
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
        CompileError: in place of what it raises, with the line of the user's own code where there is one; `memory` or
            `machine.threads` where the machine has too little.
        KeyboardInterrupt: as it is, also where the code kept it to itself.
    """
    try:
        result = function()
        raise_pending()
        return result
    except (CompileError, KeyboardInterrupt):
        raise
    except refusals as error:
        raise TrainingError(f"{what}: {first_line(error)}") from None
    except BaseException as error:
        raise shortage(error, SMALLER) or TrainingError(f"{what}: {told(error)}", raised_at(error)) from error
