"""Tests mirror the tree: the tests of `<folder>/<module>.py` are in `tests/<folder>/test_<module>.py`, or where COVERED says."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.checkout

TESTS = Path(__file__).parent
ROOT = TESTS.parent
STAGES = ("compile", "frontend", "ir", "backends", "models", "hw_profiles")
APART = ("bench", "data", "docs", "golden", "interop", "networks", "published", "replay", "reproduction")
"""Folders of tests that are no folder of the tree."""
COVERED = {
    "backends.lava.target": "backends/test_targets.py",
    "backends.reference.cuda.triton_neurons": "backends/reference/cuda/test_neurons.py",
    "backends.reference.target": "backends/test_targets.py",
    "backends.target": "backends/test_targets.py",
    "ir.mapping.reach": "ir/mapping/test_loads.py",
    "ir.profile.chip": "ir/profile/test_profile.py",
    "ir.profile.prices": "ir/profile/test_profile.py",
    "ir.profile.quantity": "ir/profile/test_profile.py",
    "ir.profile.resources": "ir/profile/test_profile.py",
    "ir.profile.times": "ir/mapping/timing/test_step_time.py",
    "ir.quantize.integers.populations": "ir/quantize/neurons/test_normalize.py",
    "ir.quantize.ties.firing_numbers": "ir/quantize/ties/test_firing_rule.py",
    "compile.report.schema": "compile/report/test_report_json.py",
    "models.zoo.ablations.__main__": "models/zoo/test_run_command.py",
    "models.zoo.few_bits.__main__": "models/zoo/test_run_command.py",
    "compile.stages.origin": "compile/test_compiled_program.py",
}
"""Module -> the file with its tests: it has none of its own, being types only, a table, or an organ of one user."""


@cache
def modules() -> dict[str, Path]:
    """Dotted name -> file; a package is its __init__.py."""
    files = [path.relative_to(ROOT) for stage in STAGES for path in sorted((ROOT / stage).rglob("*.py"))]
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in files}


@cache
def without_tests() -> dict[str, Path]:
    """The modules that have no file of tests of their name; packages need none."""
    named = {name: path for name, path in modules().items() if path.name != "__init__.py"}
    return {name: path for name, path in named.items() if not (TESTS / path.parent / f"test_{path.name}").exists()}


@cache
def imports(file: Path) -> frozenset[str]:
    """The full names of everything that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def public(file: Path) -> set[str]:
    """The names of a module's classes, functions and tables."""
    names: set[str] = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        for target in [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", ()):
            names |= {target.id} if isinstance(target, ast.Name) else set()
    return {name for name in names if not name.startswith("_")}


def users(module: str) -> set[str]:
    """Who imports a module, itself or through others of its folder."""
    folder, pending, reached = modules()[module].parent, [module], set[str]()
    while pending:
        used = pending.pop()
        fresh = {name for name, path in modules().items() if used in imports(ROOT / path)} - reached
        reached |= fresh
        pending += [name for name in fresh if modules()[name].parent == folder]
    return reached


def mentions(test: Path, module: str) -> bool:
    """Whether a file of tests has a module's name, or something public of it, or imports one of its users."""
    text, names = test.read_text(), {module.removesuffix(".__main__"), *public(ROOT / modules()[module])}
    in_text = any(re.search(rf"\b{re.escape(name)}\b", text) for name in names)
    return in_text or bool(imports(test) & {module, *users(module)})


def test_every_module_has_tests():
    assert sorted(without_tests().keys() - COVERED.keys()) == [], "write tests/<folder>/test_<module>.py"
    assert sorted(COVERED.keys() - without_tests().keys()) == [], "gone, or with tests of its own: delete the row"


@pytest.mark.parametrize("module", COVERED)
def test_what_covers_a_module_mentions_it(module: str):
    assert (TESTS / COVERED[module]).is_file()
    assert mentions(TESTS / COVERED[module], module)


def test_folders_of_tests_are_folders_of_the_tree():
    folders = {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")} - {Path()}
    mirrored = [folder for folder in sorted(folders) if folder.parts[0] not in APART]
    assert len(mirrored) > 30
    assert [folder for folder in mirrored if not (ROOT / folder / "__init__.py").is_file()] == []
