"""Outputs appear whole or not at all: everything is written beside the target folder, then renamed into place."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from compile.termination import heed_requests
from ir.errors import CompileError

MARK = "spike-compiler-report/"
"""What the report of an earlier run begins with; a folder with such a report is ours to replace."""
OURS = ("ir", "lowered.nir", "lowered.txt", "network.nir", "outputs.npz", "report.json")
"""Names that a run may write; those that this run does not write are the earlier one's, and stale."""


@contextmanager
def output_folder(target: Path) -> Generator[Path]:
    """
    A temporary folder whose contents move into `target` when the block ends well, and vanish when it does not.

    Other files in `target` stay; ours are replaced where an earlier run wrote them, and never take the place of a user's.
    """
    check_folder(target)
    staging = _staging(target)
    try:
        staging.mkdir()
        yield staging
        heed_requests()
        _move_into(staging, target)
    except OSError as error:
        raise CompileError(
            "out.write", f"cannot write {target}: {error.strerror or error}", str(error.filename or "")
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def check_folder(target: Path) -> None:
    """Raise CompileError unless `target` can become our folder; makes the folders above it."""
    if os.path.lexists(target) and not target.is_dir():
        raise CompileError("out.file", f"{target} is a file", hint="--out names a folder")
    probe = _staging(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        probe.mkdir()
    except OSError as error:
        what = f"cannot write {target}: {error.strerror}"
        raise CompileError("out.write", what, hint="choose another --out") from None
    finally:
        with suppress(OSError):
            probe.rmdir()


def _staging(target: Path) -> Path:
    """
    A new name inside an existing folder, which may be a mount of its own below a parent that nobody may write.

    The name is known before the folder exists, so that an interrupt at any moment can clear it away.
    """
    return (target if os.path.isdir(target) else target.parent) / f".{target.name}.{secrets.token_hex(4)}"


def _move_into(staging: Path, target: Path) -> None:
    if not target.exists():
        os.rename(staging, target)
        return
    items = sorted(staging.iterdir())
    earlier = {*OURS, *(item.name for item in items)} if _is_ours(target) else set[str]()
    for item in items:
        if os.path.lexists(target / item.name) and item.name not in earlier:
            what = f"{target / item.name} exists, and no earlier run wrote it"
            raise CompileError("out.exists", what, hint="move it away, or choose another --out")
    backup = staging / ".earlier"
    backup.mkdir()
    moves = [(target / name, backup / name) for name in sorted(earlier) if os.path.lexists(target / name)]
    _rename_all([*moves, *((item, target / item.name) for item in items)])


def _is_ours(target: Path) -> bool:
    """Whether the folder holds the report of an earlier run."""
    try:
        with (target / "report.json").open(errors="replace") as file:
            return MARK in file.read(200)
    except OSError:
        return False


def _rename_all(moves: Sequence[tuple[Path, Path]]) -> None:
    """Rename in order; after a failure or an interrupt everything is where it was."""
    try:
        for old, new in moves:
            os.rename(old, new)
    except BaseException:
        for old, new in reversed(moves):
            if os.path.lexists(new) and not os.path.lexists(old):
                os.rename(new, old)
        raise
