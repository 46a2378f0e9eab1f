"""
Files take the places of an earlier run's one by one, and a journal says which, so that any process can end what a killed one
began.

A staging folder holds `new`, what is to come, `old`, what went, and the journal. The record, the file that says that there was a
run, goes out first and comes in last: while files of two runs lie side by side there is none. Until it is in, everything goes
back; from then on everything stays.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

NEW, OLD, JOURNAL = "new", "old", "journal.json"


def move_in(stage: Path, target: Path, old: Collection[Path], new: Collection[Path], record: Path) -> None:
    """Move the old files, relative to `target`, out of it, then the new ones from `stage` into it; OSError as `os.rename`."""
    out = sorted(old, key=lambda file: (file != record, file))
    come = sorted(new, key=lambda file: (file == record, file))
    (stage / JOURNAL).write_text(json.dumps({"out": [*map(str, out)], "in": [*map(str, come)]}))
    for file in out:
        _move(target / file, stage / OLD / file)
    for file in come:
        _move(stage / NEW / file, target / file)


def settle(stage: Path, target: Path) -> None:
    """End what `move_in` began, forwards or backwards, and leave nothing of it in the staging folder; a kill may repeat it."""
    out, come = _read(stage / JOURNAL)
    if not come or os.path.lexists(stage / NEW / come[-1]):
        _move_back(stage, target, out, come)
    for file in {*out, *come}:
        _remove_empty(target, file.parent)
    (stage / JOURNAL).unlink(missing_ok=True)  # before what it speaks of
    for name in (NEW, OLD):
        shutil.rmtree(stage / name, ignore_errors=True)


def _read(journal: Path) -> tuple[list[Path], list[Path]]:
    """What goes out and comes in; nothing where the journal is missing, or not whole: no file moves before it is."""
    try:
        content = json.loads(journal.read_bytes())
    except (FileNotFoundError, ValueError):
        return [], []
    return [*map(Path, content["out"])], [*map(Path, content["in"])]


def _move_back(stage: Path, target: Path, out: Sequence[Path], come: Sequence[Path]) -> None:
    """The record comes last again; a file that the user has put to where an old one was stays."""
    for file in reversed(come):
        if os.path.lexists(target / file) and not os.path.lexists(stage / NEW / file):
            _move(target / file, stage / NEW / file)
    for file in reversed(out):
        if os.path.lexists(stage / OLD / file) and not os.path.lexists(target / file):
            _move(stage / OLD / file, target / file)


def _move(old: Path, new: Path) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    os.rename(old, new)


def _remove_empty(target: Path, folder: Path) -> None:
    """Remove a folder of a run, relative to `target`, and the ones around it, as far as nothing is in them."""
    with suppress(OSError):
        while folder != Path():
            (target / folder).rmdir()
            folder = folder.parent
