"""Folders of a user's files, and the rule that nothing of them is left in the process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

Folder = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """folder({"models/foo.py": text, ...}): a folder with these files, called `user`, `user1`, ..."""

    def write(files: Mapping[str, str]) -> Path:
        root = next(path for n in range(99) if not (path := tmp_path / f"user{n or ''}").exists())
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return root

    return write


@pytest.fixture(autouse=True)
def _as_before(tmp_path: Path) -> Iterator[None]:
    """Whatever a test does with a user's file: paths, finders, the current folder and everybody's modules stay."""
    before, modules = (list(sys.path), list(sys.meta_path), os.getcwd()), dict(sys.modules)
    yield
    assert (sys.path, sys.meta_path, os.getcwd()) == before
    assert {name for name, module in modules.items() if sys.modules.get(name) is not module} == set()
    fresh = [sys.modules[name] for name in sys.modules.keys() - modules.keys()]
    places = [getattr(module, "__file__", None) or str(getattr(module, "__path__", "")) for module in fresh]
    assert [place for place in places if str(tmp_path) in place] == []
