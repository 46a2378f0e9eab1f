"""
The hidden folder in which a run's files are written before they appear: of one process at a time, and swept by the next one.

It lies inside the target, which may be a mount of its own below a parent that nobody may write, and moves along with it;
beside the target while that does not exist.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from compile.output.journal import NEW, settle
from compile.output.locked_file import PATIENCE, check_owner, is_at, locked_file
from ir.errors import CompileError

NAME = ".spike-compile"
LOCK = "lock"


@contextmanager
def staging(target: Path) -> Generator[Path]:
    """
    An empty folder on the target's file system; meanwhile other runs into the target wait.

    Before that, what a killed run left is ended: the files of one whole run are in the target, and no others of ours.

    Raises:
        CompileError: another run is writing there for long.
        OSError: files cannot be written there.
    """
    with ExitStack() as stack:
        stage = beside(target)
        if target.is_dir():
            _sweep(stage, target)
        else:
            stack.enter_context(held(stage, target))
        if target.is_dir():  # the run that was waited for may have made it
            stack.close()
            stage = inside(target)
            stack.enter_context(held(stage, target))
        (stage / NEW).mkdir()
        yield stage / NEW


def inside(target: Path) -> Path:
    """Where the staging folder is of a target that exists."""
    return target / NAME


def beside(target: Path) -> Path:
    """Where it is of one that does not, and through where a whole folder takes the target's place."""
    return target.parent / f".{target.name}{NAME}"


@contextmanager
def held(stage: Path, target: Path, patience: float = PATIENCE) -> Generator[None]:
    """Have a staging folder alone, settled; afterwards it is settled and removed. CompileError and OSError as `staging`."""
    try:
        with locked_file(stage / LOCK, patience) as lock:
            check_owner(stage)
            settle(stage, target)
            try:
                yield
            finally:
                if is_at(lock, stage / LOCK):  # it may have left with the folder around it
                    settle(stage, target)
                    (stage / LOCK).unlink()
    finally:
        with suppress(OSError):  # another process may be in it by now
            stage.rmdir()


def _sweep(stage: Path, target: Path) -> None:
    """Remove a staging folder that nobody holds."""
    if os.path.lexists(stage):
        with suppress(CompileError), held(stage, target, patience=0):
            pass
