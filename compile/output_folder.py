"""Outputs appear whole or not at all: everything is written beside the target folder, then renamed into place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ir.errors import CompileError


@contextmanager
def output_folder(target: Path) -> Generator[Path]:
    """
    A temporary folder whose contents move into `target` when the block ends well, and vanish when it does not.

    Files of the user's in `target` stay; of ours, the previous run's are replaced.
    """
    check_folder(target)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield staging
        _move_into(staging, target)
    except OSError as error:
        raise CompileError(
            "out.write", f"cannot write {target}: {error.strerror or error}", str(error.filename or "")
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def check_folder(target: Path) -> None:
    """Raise CompileError unless `target` can become our folder; makes the folders above it."""
    if target.exists() and not target.is_dir():
        raise CompileError("out.file", f"{target} is a file", hint="--out names a folder")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CompileError(
            "out.write", f"cannot create {target.parent}: {error.strerror}", hint="choose another --out"
        ) from None
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise CompileError("out.write", f"no permission to write {target}", hint="choose another --out")


def _move_into(staging: Path, target: Path) -> None:
    if not target.exists():
        os.chmod(staging, 0o755)
        os.rename(staging, target)
        return
    for item in sorted(staging.iterdir()):
        old = target / item.name
        backup = staging / f".old.{item.name}"
        if old.exists():
            os.rename(old, backup)
        os.rename(item, old)
