"""The process's current folder, which code of users may change, and which may be gone."""

from __future__ import annotations

import os
from contextlib import suppress


def current_folder() -> str | None:
    """The folder; None where it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return None


def change_folder(folder: str | None) -> None:
    """Make it the current one; nothing happens where it is None, or gone."""
    if folder is not None:
        with suppress(OSError):
            os.chdir(folder)
