"""The files that an earlier run wrote into a folder: those that the record it left there lists; everything else is the user's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

REPORT, PAGE = "report.json", "report.html"
PER_PART = ("cores.svg", "lowered.nir", "lowered.txt", "network.net", "network.nir", "outputs.npz", "traffic.svg")
OURS = re.compile(
    rf"(?!\.\.?/)([^/\\\0]+/)?({'|'.join(map(re.escape, PER_PART))}|ir/\d\d+_[^/\0]*\.txt)|benchmark\.md|report\.html"
)
"""What a run writes, beside its record: the files of a part, whose IR texts are numbered, and a table."""


def earlier_files(target: Path, record: str = REPORT) -> set[Path]:
    """
    Files of the earlier run, relative to `target`, its record among them; empty where no record says that there was one.

    Only files that the record lists, of the names that a run writes, and nothing through a link: a record that is broken, or that
    somebody else wrote, cannot name a user's file, and nothing outside of `target`.
    """
    listed = _listed(target / record)
    if record not in listed:
        return set()
    named = {Path(name) for name in listed if OURS.fullmatch(name)}
    return {Path(record), *(file for file in named if _is_own(target, file))}


def whole_paths(files: Iterable[Path]) -> set[Path]:
    """Relative files, and all folders around them."""
    return {path for file in files for path in (file, *file.parents)} - {Path()}


def _listed(record: Path) -> list[str]:
    """`files` of a record of ours, whatever its version; nothing where it is none."""
    if record.is_symlink() or not record.is_file():
        return []
    try:
        content: Any = json.loads(record.read_bytes())
        files: list[Any] = content["files"]
        ours = content["schema"].startswith(f"spike-compiler-{record.stem}/")
        return files if ours and all(isinstance(name, str) for name in files) else []
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []


def _is_own(target: Path, file: Path) -> bool:
    """Whether it is a file, and no link is on the way."""
    try:
        return (target / file).is_file() and not any((target / path).is_symlink() for path in whole_paths([file]))
    except (OSError, ValueError):  # a name that no file can have
        return False
