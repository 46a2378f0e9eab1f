"""
Copies the tests into an empty folder, as tests of the installed package: `python .ci/place_tests.py FOLDER`.

Their imports of the checkout's packages become imports of the one installed name, as in the build (`setup.placed`), and so do
the names in strings by which tests patch modules and start the command line. What is marked `checkout` stays at home:
`pytest -m "not checkout"`.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from setup import NAME, PLACED, placed  # noqa: E402

_PATCHED = re.compile(rf'\b(setattr|importorskip|import_module|modules\[)(\(|)("|\')(?=({"|".join(PLACED)})\.)')
_STARTED = re.compile(r'-m(", "| )compile\b')


def placed_test(text: str) -> str:
    """One file of tests; what it holds of users' files in strings stays as it is."""
    imports = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom))
    numbers = {node.lineno - 1 for node in imports}
    lines = text.split("\n")
    text = "\n".join(placed(line) if number in numbers else line for number, line in enumerate(lines))
    text = _PATCHED.sub(lambda match: f"{match[0]}{NAME}.", text)
    return _STARTED.sub(rf"-m\1{NAME}", text)


def main(folder: Path) -> None:
    """Place all tests, what they read of the documents, and the project file with pytest's settings."""
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder / "tests").rglob("*.py"):
        path.write_text(placed_test(path.read_text()))
    shutil.copytree(ROOT / "docs", folder / "docs")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
