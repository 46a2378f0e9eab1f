"""Outputs appear whole or not at all: everything is written beside the target folder, then renamed into place."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Generator, Sequence, Set
from contextlib import contextmanager, suppress
from pathlib import Path

from compile.command.signals import raise_pending
from compile.output.earlier_run import earlier_files
from ir.errors import CompileError


@contextmanager
def atomic_folder(target: Path) -> Generator[Path]:
    """
    A temporary folder whose contents move into `target` when the block ends well, and vanish when it does not.

    What an earlier run wrote into `target` goes. All other files stay, and ours never take the place of one.
    """
    check_folder(target)
    staging = _staging(target)
    try:
        staging.mkdir()
        yield staging
        raise_pending()
        _move_into(staging, target)
    except OSError as error:
        raise CompileError(
            "out.write", f"cannot write {target}: {error.strerror or error}", where=str(error.filename or "")
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
    old = earlier_files(target)
    new = sorted(path.relative_to(staging) for path in staging.rglob("*") if not path.is_dir())
    _check_places(target, new, old)
    backup = staging / ".earlier"
    moves = [(target / file, backup / file) for file in sorted(old)]
    _rename_all([*moves, *((staging / file, target / file) for file in new)])
    for file in old:
        _remove_empty(target, file.parent)


def _check_places(target: Path, new: Sequence[Path], old: Set[Path]) -> None:
    """Raise CompileError if a file or folder of the user's is where one of ours is to be; relative to `target`."""
    ours = {path for file in old for path in (file, *file.parents)}
    for path in sorted({path for file in new for path in (file, *file.parents)} - ours - {Path()}):
        if os.path.lexists(target / path):
            what = f"{target / path} exists, and no earlier run wrote it"
            raise CompileError("out.exists", what, hint="move it away, or choose another --out")


def _rename_all(moves: Sequence[tuple[Path, Path]]) -> None:
    """Rename in order, making folders where they are missing; after a failure or an interrupt everything is where it was."""
    created = {folder for _, new in moves for folder in new.parents if not folder.exists()}
    try:
        for old, new in moves:
            new.parent.mkdir(parents=True, exist_ok=True)
            os.rename(old, new)
    except BaseException:
        for old, new in reversed(moves):
            if os.path.lexists(new) and not os.path.lexists(old):
                os.rename(new, old)
        for folder in sorted(created, reverse=True):
            with suppress(OSError):
                folder.rmdir()
        raise


def _remove_empty(target: Path, folder: Path) -> None:
    """Remove a folder of the earlier run, relative to `target`, and the ones around it, as far as nothing is in them."""
    with suppress(OSError):
        while folder != Path():
            (target / folder).rmdir()
            folder = folder.parent
