"""Engines that a run can be compared with besides its target's twin, by the names that `--check` takes."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ir.errors import CompileError, known_names

if TYPE_CHECKING:  # the command line lists them before anything heavy is loaded
    from backends.target import EngineMaker

SANAFE_RUNNER = Path(__file__).parents[2] / "tests" / "interop" / "run_sanafe.py"
"""The script that runs SANA-FE, in a checkout; it is no part of an installed package."""
SANAFE_HINT = (
    'name a Python that has it, and the script of a checkout: --check "sanafe=PYTHON tests/interop/run_sanafe.py"'
)
"""What to do where there is no command to run it."""


def _sanafe(command: Sequence[str]) -> EngineMaker:
    if not command and not (find_spec("sanafe") and SANAFE_RUNNER.exists()):
        what = "sanafe and the script that runs it are not both where this Python is"
        raise CompileError("sanafe.missing", what, hint=SANAFE_HINT)
    from backends.sanafe.engine import SanafeEngine

    given = command or (sys.executable, str(SANAFE_RUNNER))
    return lambda chip, profile, cores: SanafeEngine(chip, cores, given)


CHECKS: Mapping[str, Callable[[Sequence[str]], EngineMaker]] = {"sanafe": _sanafe}
"""Name -> what makes the maker of its engine, of the command that runs it; () for the command that the checkout has."""


def check_engine(check: str) -> EngineMaker:
    """What makes the engine that NAME or NAME=COMMAND asks for; CompileError where there is none of that name."""
    name, _, command = check.partition("=")
    if name not in CHECKS:
        raise CompileError("options.check", f"unknown engine {name!r} to check with", hint=known_names(name, CHECKS))
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise CompileError("options.check", f"{command!r} is no command: {error}", hint=SANAFE_HINT) from None
    return CHECKS[name](words)
