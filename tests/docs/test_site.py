"""The API reference has what pages import; that links, anchors and names of modules are right is for the build (.ci/site)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def imported() -> set[str]:
    """Modules of ours from which code on pages imports; what a page makes itself is not among them."""
    blocks = [block for page in PAGES for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)]
    nodes = [node for block in blocks for node in ast.walk(ast.parse(block)) if isinstance(node, ast.ImportFrom)]
    modules = {str(node.module) for node in nodes}
    return {name for name in modules if (ROOT / f"{name.replace('.', '/')}.py").is_file()}


def test_the_reference_has_the_modules_that_pages_import():
    pages = "".join(page.read_text() for page in (ROOT / "docs/api").glob("*.md"))
    shown = re.findall(r"^::: (\S+)$", pages, re.MULTILINE)
    assert len(imported()) > 15
    assert not [name for name in sorted(imported()) if not any(f"{each}.".startswith(f"{name}.") for each in shown)]
