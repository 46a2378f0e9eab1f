"""What it takes to make a run again: versions, and the commit."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from pathlib import Path

from compile.version import installed, version

PACKAGES = ("torch", "numpy", "spikingjelly", "norse", "snntorch", "nir", "lava-nc", "lava-dl", "mtkahypar")


def versions() -> dict[str, str]:
    """Package -> version, of those that are installed and may matter; the compiler's own with the commit of its checkout."""
    commit = _commit()
    own = version() + (f" ({commit})" if commit else "")
    return {"spike-compiler": own, "Python": platform.python_version(), **installed(PACKAGES)}


@cache
def _commit() -> str:
    """The commit of the checkout that runs, and whether it was changed; "" where it is installed, or git is not there."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return ""
    try:
        asked = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
        return subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
