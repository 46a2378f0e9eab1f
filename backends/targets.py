"""Where a network can run: one row per target, loaded when asked for, as some need libraries that are not everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ir.errors import CompileError, known_names

if TYPE_CHECKING:  # the command line lists the targets before anything heavy is loaded
    from backends.target import Target


def _loihi() -> Target:
    from backends.lava.target import LOIHI

    return LOIHI


def _gpu() -> Target:
    from backends.reference.target import GPU

    return GPU


TARGETS: Mapping[str, Callable[[], Target]] = {"loihi": _loihi, "gpu": _gpu}
"""Name -> what loads the target."""
DEFAULT, REFERENCE = "loihi", "gpu"
"""The target of a command that names none, and the one whose engine computes what is compared or measured without a chip."""


def target(name: str) -> Target:
    """The target of that name; CompileError where there is none."""
    if name not in TARGETS:
        raise CompileError("options.target", f"unknown target {name!r}", hint=known_names(name, TARGETS))
    return TARGETS[name]()
