"""Two finished runs of the tiny network, made once: 8 samples on Loihi 2, and 4 on Loihi 1; and what tests make of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from compile.driver import compile_network
from compile.report.comparison.saved_report import SavedReport, read_reports
from compile.stages.options import Options
from tests.compile.conftest import TINY

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="session")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run -> the content of its report.json."""
    network = tmp_path_factory.mktemp("network") / "tiny.py"
    network.write_text(TINY)
    options = {"eight": Options(target="gpu", samples=8), "four": Options(target="gpu", samples=4, profile="loihi1")}
    return {name: json.loads(json.dumps(compile_network(network, own).plain())) for name, own in options.items()}


@pytest.fixture
def runs(contents: dict[str, Any], tmp_path: Path) -> Path:
    """A folder with both runs."""
    for name, content in contents.items():
        _write(tmp_path / name, content)
    return tmp_path


@pytest.fixture
def changed(runs: Path, contents: dict[str, Any]) -> Callable[..., Path]:
    """changed(name, change): a folder with the run of eight samples after `change` of its content."""

    def make(name: str, change: Change = lambda content: None) -> Path:
        content = deepcopy(contents["eight"])
        change(content)
        return _write(runs / name, content)

    return make


@pytest.fixture(scope="session")
def both(contents: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> list[SavedReport]:
    """Both runs, read."""
    folder = tmp_path_factory.mktemp("runs")
    return read_reports([_write(folder / name, content) for name, content in contents.items()])


def _write(folder: Path, content: Any) -> Path:
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(content))
    return folder
