"""docs/semantics.md tells every option, value, preset and lint that there is, and none that there is not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from frontend.nir.meaning import lints as nir_lints
from frontend.nir.meaning.semantics import OPTIONS, Semantics
from frontend.nir.meaning.semantics_presets import PRESETS
from frontend.nir.reading import reader

PAGE = (Path(__file__).parents[4] / "docs" / "semantics.md").read_text()


def section(title: str, mark: str) -> str:
    """The text below a heading, up to the next of its level or above."""
    found = re.search(rf"^{mark} {title}.*?\n(.*?)(?=^#{{1,{len(mark)}}} |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"no section {title}"
    return found.group(1)


def first_cells(text: str) -> list[str]:
    """The first column of a table below its header."""
    cells = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    return cells[1:]


def rules_in(module_file: str) -> set[str]:
    """Rules of lints in a module: the first argument of Lint."""
    calls = (node for node in ast.walk(ast.parse(Path(module_file).read_text())) if isinstance(node, ast.Call))
    firsts = (call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Lint")
    return {str(first.value) for first in firsts if isinstance(first, ast.Constant)}


def remarks_in(module_file: str) -> set[str]:
    """Rules of remarks in a module: the first of three, a constant."""
    found = (node for node in ast.walk(ast.parse(Path(module_file).read_text())) if isinstance(node, ast.Tuple))
    firsts = (node.elts[0] for node in found if len(node.elts) == 3)
    return {first.value for first in firsts if isinstance(first, ast.Constant) and isinstance(first.value, str)}


def test_the_options_are_those_that_exist():
    assert re.findall(r"^### `(\w+)`", PAGE, re.MULTILINE) == list(OPTIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_value_has_a_row_and_the_canonical_one_is_marked(name: str):
    option, default = OPTIONS[name], Semantics().options()[name]
    text = section(f"`{name}`", "###")
    if not option.values:
        assert option.numbers.split(",")[0].removeprefix("a ") in text
        assert default is None or f"canonical is {default}" in text
        return
    rows = [f"`{value}`" + (" (canonical)" if value == default else "") for value in option.values]
    assert first_cells(text) == rows + ([option.numbers] if option.numbers else [])


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_its_options(name: str):
    (row,) = [line for line in section("Presets", "##").splitlines() if line.startswith(f"| `{name}` |")]
    said = dict(re.findall(r"`(\w+)=([^`]+)`", row))
    assert list(said) == list(PRESETS[name].options)
    for option, value in PRESETS[name].options.items():
        assert said[option] == value if isinstance(value, str) else float(said[option]) == value
    assert row.endswith("(fixed) |") == PRESETS[name].dt_fixed


def test_the_presets_and_lints_are_those_that_exist():
    assert first_cells(section("Presets", "##")) == [f"`{name}`" for name in PRESETS]
    rules = rules_in(nir_lints.__file__) | remarks_in(reader.__file__)
    assert len(rules) > 5
    assert sorted(first_cells(section("Lints", "##"))) == sorted(f"`{rule}`" for rule in rules)
