"""The version of the checkout, and of an installed package without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from compile import version as version_module
from compile.version import DISTRIBUTION, version

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_a_checkout_has_the_version_that_its_project_file_states():
    lines = PROJECT.read_text().partition("[project]")[2].splitlines()
    assert f'version = "{version()}"' in lines
    assert f'name = "{DISTRIBUTION}"' in lines


def test_without_a_checkout_it_is_that_of_the_installed_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(version_module, "__file__", str(tmp_path / "compile" / "version.py"))
    monkeypatch.setattr(version_module, "installed_version", {DISTRIBUTION: "1.2.3"}.__getitem__)
    assert version() == "1.2.3"
