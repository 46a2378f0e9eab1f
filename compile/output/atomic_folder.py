"""Outputs appear whole or not at all, kills included: everything is written in a hidden folder, then renamed into place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterable, Set
from contextlib import contextmanager
from pathlib import Path

from compile.command.signals import raise_pending
from compile.output.earlier_run import REPORT, earlier_files, whole_paths
from compile.output.exchange import exchange
from compile.output.journal import NEW, OLD, move_in
from compile.output.staging import NAME, beside, held, inside, staging
from ir.errors import CompileError


@contextmanager
def atomic_folder(target: Path, record: str = REPORT) -> Generator[Path]:
    """
    A temporary folder whose contents move into `target` when the block ends well, and vanish when it does not.

    `record` is the file that lists what the run wrote. What the one there lists goes. All other files stay, and ours never take
    the place of one. Whenever the process is killed, the next run here finds the files of one whole run, or makes it so.

    Raises:
        CompileError: `target` cannot be written, or holds files of others where ours are to be.
    """
    with _written(target) as place, staging(place) as new:
        try:
            yield new
        except CompileError as error:
            where = _shown(error.where, place, target)
            raise CompileError(error.rule, error.what, where=where, hint=error.hint) from None
        raise_pending()
        _publish(new, place, record)


def check_folder(target: Path) -> None:
    """End what a killed run left; raise CompileError unless `target` can become our folder. Makes the folders above it."""
    with _written(target) as place, staging(place):
        pass


def check_places(target: Path, files: Iterable[Path], record: str = REPORT) -> None:
    """Raise CompileError if a file or folder of others is where one of ours is to be; paths relative to `target`."""
    ours = whole_paths(earlier_files(target, record))
    for path in sorted(whole_paths(files) - ours):
        if os.path.lexists(target / path):
            what = f"{target / path} exists, and no {record} there lists it"
            raise CompileError("out.exists", what, hint="move it away, or choose another --out")


@contextmanager
def _written(target: Path) -> Generator[Path]:
    """The real path of a folder that is written; an OSError meanwhile is the one error that it cannot be."""
    if os.path.lexists(target) and not target.is_dir():
        raise CompileError("out.file", f"{target} is a file", hint="--out names a folder")
    place = Path(os.path.realpath(target))
    try:
        yield place
    except OSError as error:
        what = f"cannot write {target}: {error.strerror or error}"
        where = _shown(str(error.filename or target), place, target)
        raise CompileError("out.write", what, where=where, hint="choose another --out") from None


def _shown(path: str, place: Path, target: Path) -> str:
    """A path in the hidden folder as the one in the target that it stands for, as users know nothing of hidden folders."""
    for stage in (inside(place), beside(place)):
        for hidden in (stage / NEW, stage / OLD, stage):
            path = path.replace(str(hidden), str(target))
    return path


def _publish(new: Path, target: Path, record: str) -> None:
    if new != inside(target) / NEW:
        os.rename(new, target)
        return
    files = {path.relative_to(new) for path in new.rglob("*") if path.is_symlink() or not path.is_dir()}
    check_places(target, files, record)
    old = earlier_files(target, record)
    if not _take_place(new, target, old):
        move_in(inside(target), target, old, files, Path(record))


def _take_place(new: Path, target: Path, old: Set[Path]) -> bool:
    """Swap the whole folders, where nothing in `target` is anybody else's and nobody looks; whether that was done."""
    if not _only(old, target):
        return False
    try:
        if Path.cwd().is_relative_to(target) or target.stat().st_uid != new.stat().st_uid:
            return False
        with held(beside(target), target, patience=0):
            shutil.copystat(target, new)
            return _swap(new, beside(target) / NEW, target, old)
    except (OSError, CompileError):
        return False


def _swap(new: Path, ready: Path, target: Path, old: Set[Path]) -> bool:
    """Through `ready`, as no folder can take the place of one that it is in."""
    os.rename(new, ready)
    swapped = exchange(ready, target)
    if swapped and _only(old, ready):
        return True
    if swapped:  # a file of the user's came at the last moment
        exchange(ready, target)
    os.rename(ready, new)
    return False


def _only(ours: Set[Path], folder: Path) -> bool:
    """Whether a folder holds nothing but these files, relative to it, and the folders around them."""
    known = whole_paths(ours)
    found = (path.relative_to(folder) for path in folder.rglob("*"))
    return all(path in known for path in found if path.parts[0] != NAME)
