"""The files that an earlier run wrote into a folder, told from the report it left there; everything else is the user's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MARK = "spike-compiler-report/"
"""What the schema of every report begins with, whatever its version."""
REPORT = "report.json"
PER_PART = ("lowered.nir", "lowered.txt", "network.nir", "outputs.npz")
TEXTS = "ir/[0-9][0-9]*_*.txt"
"""The IR after every pass, numbered."""


def earlier_files(target: Path) -> set[Path]:
    """
    Files of the earlier run, relative to `target`; empty where no report says that there was one.

    Only files of the names that a run writes, in folders that the report calls parts, and nothing through a link: a report
    that is broken, or that somebody else wrote, cannot name a user's file, and nothing outside of `target`.
    """
    parts = _parts(target / REPORT)
    if not parts:
        return set()
    folders = [target] if len(parts) == 1 else [target / part for part in parts]
    paths = (path for folder in folders if _is_own(target, folder) for path in _written(folder))
    return {Path(REPORT), *(path.relative_to(target) for path in paths)}


def _parts(report: Path) -> list[str]:
    """The parts that a report names; none if it is not a report, or if a name of several is not that of a folder."""
    if report.is_symlink() or not report.is_file():
        return []
    try:
        content: Any = json.loads(report.read_bytes())
        names = [part["name"] for part in content["parts"]]
        ours = content["schema"].startswith(MARK)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []
    plain = len(names) == 1 or all(isinstance(name, str) and _is_plain(name) for name in names)
    return names if ours and plain else []


def _is_plain(name: str) -> bool:
    """Whether a name is one of a folder right below."""
    return name not in ("", ".", "..") and not set(name) & {"/", "\\", "\0"}


def _is_own(target: Path, folder: Path) -> bool:
    return folder == target or (os.path.isdir(folder) and not os.path.islink(folder))


def _written(folder: Path) -> Iterator[Path]:
    paths = [folder / name for name in PER_PART]
    if not (folder / "ir").is_symlink():
        paths += folder.glob(TEXTS)
    return (path for path in paths if path.is_file() and not path.is_symlink())
