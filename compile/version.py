"""The compiler's version: of the checkout that it runs in, or of what is installed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path

DISTRIBUTION = "spike-compiler"


def version() -> str:
    """The version that the project file beside the packages states, or without one that of the installed distribution."""
    project = Path(__file__).parents[1] / "pyproject.toml"
    if not project.is_file():
        return installed_version(DISTRIBUTION)
    stated = re.search(r'^version = "(.+)"$', project.read_text(encoding="utf-8"), re.MULTILINE)
    assert stated is not None, "the project states its version"
    return stated[1]


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Package -> version, of those that are installed."""
    found = dict[str, str]()
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = installed_version(name)
    return found
