"""Imports go one way: models know nothing of the compiler, the IR knows no framework, backends know no frontend."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STAGES = ("compile", "frontend", "ir", "backends", "models", "hw_profiles")
MAY_IMPORT = {
    "models": {"models"},
    "frontend": {"frontend", "ir"},
    "ir": {"ir"},
    "backends": {"backends", "ir", "hw_profiles"},
    "hw_profiles": {"hw_profiles", "ir"},
    "compile": {"compile", "frontend", "ir", "backends", "hw_profiles"},
}
"""Stage -> the stages that it may import."""
FORBIDDEN = {
    "ir": {"torch", "nir", "lava", "spikingjelly", "h5py"},
    "hw_profiles": {"torch", "nir", "lava", "numpy"},
    "models": {"nir", "lava", "norse"},
}
"""Stage -> libraries that it must not need; a function may import torch lazily for its kernels."""


def files(stage: str) -> list[Path]:
    return sorted((ROOT / stage).rglob("*.py"))


def imported(path: Path, top_level_only: bool = False) -> set[str]:
    """The first names of everything a file imports."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("stage", STAGES)
def test_stages_import_one_way(stage: str):
    wrong = {str(p.relative_to(ROOT)): imported(p) & set(STAGES) - MAY_IMPORT[stage] for p in files(stage)}
    assert not {path: names for path, names in wrong.items() if names}


@pytest.mark.parametrize("stage", FORBIDDEN)
def test_stages_need_no_foreign_library(stage: str):
    wrong = {str(p.relative_to(ROOT)): imported(p, top_level_only=True) & FORBIDDEN[stage] for p in files(stage)}
    assert not {path: names for path, names in wrong.items() if names}


def test_lava_is_imported_in_its_backend_only():
    users = [p for stage in STAGES for p in files(stage) if "lava" in imported(p)]
    assert {p.parent.relative_to(ROOT).parts[:2] for p in users} <= {("backends", "lava")}


def test_no_grab_bags_and_one_test_package():
    names = {p.stem for stage in STAGES for p in files(stage)}
    assert not names & {"utils", "util", "common", "helpers", "misc"}
    assert list((ROOT / "tests").rglob("__init__.py")) == [ROOT / "tests" / "__init__.py"]


def test_files_stay_one_concept():
    long = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for stage in STAGES for p in files(stage)}
    assert not {path: lines for path, lines in long.items() if lines > 330}
