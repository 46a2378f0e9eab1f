"""A file that one process at a time has open: the system frees it when that process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from ir.errors import CompileError

PATIENCE = 60.0
"""Seconds for which another process may keep it: more than a folder takes to be written."""
INTERVAL = 0.05


@contextmanager
def locked_file(path: Path, patience: float = PATIENCE) -> Generator[int]:
    """
    The descriptor of a file, made where it is missing, with its folder; until the block ends no other process enters here.

    Whoever is inside may rename or remove the file. Where the file system has no locks nobody waits.

    Raises:
        CompileError: another process keeps it, or it is another user's.
        OSError: it cannot be made.
    """
    end = monotonic() + patience
    while (descriptor := _enter(path)) is None:
        if monotonic() >= end:
            what = f"another run is writing there: it holds {path}"
            raise CompileError("out.busy", what, hint="wait for it, or choose another --out")
        sleep(INTERVAL)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file still has that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def check_owner(path: Path) -> None:
    """Raise CompileError where a file or folder is another user's: what it says is not to be believed."""
    if path.lstat().st_uid != os.geteuid():
        raise CompileError("out.owner", f"{path} is another user's", hint="remove it, or choose another --out")


def _enter(path: Path) -> int | None:
    """The descriptor; None while another process is inside, or where one has just taken the file, or a folder around it, away."""
    above = path.parent.parent
    above.mkdir(parents=True, exist_ok=True)
    try:
        place = os.open(above, getattr(os, "O_PATH", os.O_RDONLY))
    except FileNotFoundError:
        return None
    try:
        with suppress(FileExistsError):
            path.parent.mkdir()
    except FileNotFoundError:
        if is_at(place, above):  # no folder can be made there, as in /proc; else another one has taken its place
            raise
        return None
    finally:
        os.close(place)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except FileNotFoundError:
        return None
    try:
        if _lock(descriptor) and is_at(descriptor, path):
            check_owner(path)
            entered, descriptor = descriptor, -1
            return entered
        return None
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Whether no other process has it; true where the file system cannot tell."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
