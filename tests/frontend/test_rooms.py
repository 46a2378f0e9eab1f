"""The folders of the frontend import one way: each only those before it."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
ORDER = (
    "frontend/names.py",
    "frontend/type_guards.py",
    "frontend/hdf5",
    "frontend/netx",
    "frontend/neuron_rules",
    "frontend/recording",
    "frontend/function_rules",
    "frontend/tracing",
    "frontend/nir/reading",
    "frontend/nir/meaning",
    "frontend/nir/writing",
    "frontend/nir/round_trip",
    "frontend/nir",
    "frontend/model_file",
)
"""Folders (and files at the top), those that others need first."""


def room(module: str) -> str:
    """The folder of a module; a module at the top is by itself."""
    path = ROOT / module.replace(".", "/")
    if path.is_dir():
        return str(path.relative_to(ROOT))
    file = path.with_suffix(".py").relative_to(ROOT)
    return str(file if file.parent == Path("frontend") else file.parent)


def test_folders_import_one_way() -> None:
    edges: set[tuple[str, str]] = set()
    for path in sorted((ROOT / "frontend").rglob("*.py")):
        source = room(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("frontend"):
                edges.add((source, room(node.module or "")))
    between = {(source, target) for source, target in edges if source != target}
    assert {room for edge in between for room in edge} <= set(ORDER)
    assert len(between) > 15
    assert not [(source, target) for source, target in between if ORDER.index(source) < ORDER.index(target)]
