"""Two folders swap their names in one step, where the system can do that (Linux, on most of its file systems)."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_HERE = -100
"""AT_FDCWD: relative paths are meant from the current folder."""
_EXCHANGE = 2
"""RENAME_EXCHANGE of renameat2(2)."""


def exchange(first: Path, second: Path) -> bool:
    """Let two paths of one file system swap names; false, with everything as it was, where that is impossible."""
    try:
        rename = ctypes.CDLL(None).renameat2
    except (OSError, AttributeError):
        return False
    return rename(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE) == 0
