"""
Copies the tests into an empty folder, as tests of the installed package: `python .ci/place_tests.py FOLDER`.

Their imports of the checkout's packages become imports of the one installed name, as in the build (`setup.placed`), and so do
the names in strings by which tests patch modules and start the command line.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from setup import NAME, PLACED, placed  # noqa: E402

_PATCHED = re.compile(rf'\b(setattr|importorskip|import_module|modules\[)(\(|)("|\')(?=({"|".join(PLACED)})\.)')
_STARTED = re.compile(r'"-m", "compile"')


def placed_test(text: str) -> str:
    """One file of tests."""
    text = _PATCHED.sub(lambda match: f"{match[0]}{NAME}.", placed(text))
    return _STARTED.sub(f'"-m", "{NAME}"', text)


def main(folder: Path) -> None:
    """Place all tests, and the project file with pytest's settings."""
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__", "bench", "interop"))
    for path in (folder / "tests").rglob("*.py"):
        path.write_text(placed_test(path.read_text()))
    shutil.copy(ROOT / "pyproject.toml", folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
