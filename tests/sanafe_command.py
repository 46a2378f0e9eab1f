"""The command that runs SANA-FE on this machine, for tests and tables: SANAFE_PYTHON names a Python that has sanafe, if not this one."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from backends.sanafe.checks import SANAFE_RUNNER

MISSING = "sanafe is not installed (GPL, no part of the set-up), and SANAFE_PYTHON names no Python that has it"
"""Why there is none."""


def sanafe_python() -> str | None:
    """The Python; None where there is none."""
    return os.environ.get("SANAFE_PYTHON") or (sys.executable if find_spec("sanafe") else None)


def sanafe_command() -> tuple[str, ...] | None:
    """The command; None where there is no such Python."""
    python = sanafe_python()
    return None if python is None else (python, str(SANAFE_RUNNER))
