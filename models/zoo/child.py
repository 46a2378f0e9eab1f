"""One command in a process of its own with a limit of time, so that one that fails costs its row only, which says why."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

PACKAGE = __name__.removesuffix("models.zoo.child")
"""What stands before the names of our packages: nothing in a checkout, one name and a dot where they are installed."""


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    output: str
    failed: str
    """Why it did not end well, in one line; "" where it did."""


def run_child(command: Sequence[str], limit: float) -> Ended:
    """Run a command for at most `limit` seconds; errors of the process are told, not raised."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return Ended("", f"took more than {limit:.0f} s")
    if done.returncode == 0:
        return Ended(done.stdout, "")
    return Ended(done.stdout, f"ended with {done.returncode}: {_reason(done.stderr)}")


def _reason(errors: str) -> str:
    """The line of an error, or what was said last."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    named = [line for line in lines if line.startswith("error")]
    return (named or lines[-1:] or ["it said nothing"])[0][:300]
