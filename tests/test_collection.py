"""Every file of tests is run: no folder that holds one is among those that pytest is told to leave out."""

from __future__ import annotations

from pathlib import Path

import pytest
from _pytest.pathlib import fnmatch_ex

ROOT = Path(__file__).parents[1]


def test_no_folder_of_tests_is_left_out(pytestconfig: pytest.Config):
    left_out = pytestconfig.getini("norecursedirs")
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    folders = {folder for file in files for folder in file.parents if ROOT in folder.parents}
    assert len(folders) > 20
    assert [str(folder) for folder in folders for pattern in left_out if fnmatch_ex(pattern, folder)] == []
