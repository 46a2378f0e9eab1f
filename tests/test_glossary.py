"""docs/glossary.md and the code agree: names that it states exist, words that it retires are in no class or module name."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parent.parent
STAGES = ("compile", "frontend", "ir", "backends", "models", "hw_profiles")


@cache
def trees() -> dict[Path, ast.Module]:
    paths = (path for stage in STAGES for path in sorted((ROOT / stage).rglob("*.py")))
    return {path.relative_to(ROOT): ast.parse(path.read_text()) for path in paths}


def glossary() -> list[tuple[str, str, str]]:
    """(term, in the code, not) of every row."""
    lines = (ROOT / "docs/glossary.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [(term, code, retired) for term, _, code, retired in rows[2:]]


def classes() -> list[str]:
    return [node.name for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def words(name: str) -> list[str]:
    """The words of a name, in lower case: FanInCone and fan_in_cone are fan, in, cone."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().strip("_").split("_")


def contains(name: str, term: str) -> bool:
    """Whether the words of a term stand one after another in a name, in singular or plural."""
    have, wanted = words(name), term.lower().split()
    plural = [*wanted[:-1], f"{wanted[-1]}s"]
    return any(have[k : k + len(wanted)] in (wanted, plural) for k in range(len(have)))


@cache
def identifiers() -> set[str]:
    """Every name, attribute, argument and field in the code, and every dotted path of a module."""
    names = {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in trees()}
    for tree in trees().values():
        for node in ast.walk(tree):
            for field in ("id", "attr", "arg", "name"):
                value = getattr(node, field, None)
                names |= {value} if isinstance(value, str) else set()
            if isinstance(node, ast.ClassDef):
                names |= {f"{node.name}.{member}" for member in members(node)}
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
    return names


def members(node: ast.ClassDef) -> set[str]:
    fields = {
        item.target.id for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    return fields | {item.name for item in node.body if isinstance(item, ast.FunctionDef)}


def test_what_the_glossary_names_exists():
    stated = [name for _, code, _ in glossary() for name in re.findall(r"`([\w.]+)`", code)]
    assert len(stated) > 30
    assert not set(stated) - identifiers()


def test_retired_words_are_in_no_name_of_a_class_or_module():
    retired = [re.sub(r" \(.*\)", "", word.strip()) for _, _, cell in glossary() for word in cell.split(",") if cell]
    names = [*classes(), *(part for path in trees() for part in path.with_suffix("").parts)]
    assert len(retired) > 20
    assert not [(name, word) for name in names for word in retired if contains(name, word)]


def test_a_class_has_its_name_alone():
    assert not [name for name, count in Counter(classes()).items() if count > 1]


def test_terms_are_in_order_and_explained_once():
    terms = [term for term, _, _ in glossary()]
    assert terms == sorted(dict.fromkeys(terms), key=str.lower)


def test_words_of_names():
    assert words("FanInCone") == ["fan", "in", "cone"]
    assert words("_nir_names") == ["nir", "names"]
    assert words("NIRGraph2") == ["nir", "graph2"]
    assert contains("WholeFile", "whole file")
    assert contains("device_forms", "form")
    assert not contains("Formula", "form")
