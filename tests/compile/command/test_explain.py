"""The page of rules: every rule that is raised has a section, every section's rule is raised, and the command prints them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

import compile.command.explain
from compile.cli import main
from compile.command.explain import explain, sections
from ir.errors import CompileError

PACKAGES = Path(compile.command.explain.__file__).parents[2]
STAGES = ("backends", "compile", "frontend", "hw_profiles", "ir")
RULE = re.compile(r"(?:CompileError|Violation|refuse|broken|rule)\b[^\"\n]*[(=,]\s*f?\"([a-z0-9_]+\.[^\"\s]*)\"")


@cache
def code() -> str:
    """All of the packages, calls that are cut into lines put together."""
    files = (path for stage in STAGES for path in (PACKAGES / stage).rglob("*.py"))
    return re.sub(r"\(\s+", "(", "\n".join(path.read_text(encoding="utf-8") for path in files))


@cache
def raised() -> frozenset[str]:
    """The rules in the code, those that are put together up to where they are."""
    return frozenset(rule.split("{")[0] for rule in RULE.findall(code()))


def test_the_code_has_rules() -> None:
    assert {"import.axes", "run.shape", "quantize.", "split.", "ir."} <= raised()


@pytest.mark.parametrize("rule", sorted(raised()))
def test_every_rule_has_a_section(rule: str) -> None:
    assert rule in sections() or f"{rule.split('.')[0]}.*" in sections()


@pytest.mark.parametrize("heading", sorted(sections()))
def test_every_section_is_about_rules_that_are_raised(heading: str) -> None:
    assert f'"{heading.rstrip("*")}' in code()


def test_an_own_section_goes_before_that_of_the_family() -> None:
    assert explain("import.dtype").startswith("import.dtype\n\nA value is converted to another number type")
    assert explain("error[import.einsum]:").startswith("import.einsum\n\nThe torch module does something")
    with pytest.raises(CompileError, match=r"known names like it: import") as caught:
        explain("imports.axes")
    assert caught.value.rule == "cli.explain"


def test_the_command_explains(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--explain", "import.random"]) == 0
    assert "deterministic" in capsys.readouterr().out
    assert main(["--explain", "nothing"]) == 2
    assert "error[cli.explain]" in capsys.readouterr().err
