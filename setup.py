"""
Builds the distribution: the packages of the checkout, placed under one import name.

The checkout keeps its packages at the top (`ir`, `compile`, `frontend`, ...), names that many a user's own files have. Installed,
they are `spike_compiler.ir` and so on: every import of one by another is rewritten on the way, nothing else of a file changes.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

NAME = "spike_compiler"
PLACED = ("backends", "compile", "frontend", "hw_profiles", "ir", "models")
"""The packages of the checkout that are placed below NAME."""
_NAMES = "|".join(PLACED)
_BEFORE = r"^(\s*(?:(?:>>>|\.\.\.) )?)"
_FROM = re.compile(rf"{_BEFORE}from ({_NAMES})(?=[.\s])", re.MULTILINE)
_IMPORT = re.compile(rf"{_BEFORE}import ({_NAMES})((?:\.\w+)*)(?= *(?:#.*)?$)", re.MULTILINE)


def placed(source: str) -> str:
    """
    A file's text with its imports of our packages below the one name, those in examples of docstrings too.

    >>> print(placed("from ir.graph import Graph\\nimport hw_profiles\\nimport ir.passes"))
    from spike_compiler.ir.graph import Graph
    from spike_compiler import hw_profiles
    from spike_compiler import ir; import spike_compiler.ir.passes
    """
    source = _FROM.sub(rf"\1from {NAME}.\2", source)
    return _IMPORT.sub(lambda match: _import(*match.groups()), source)


def _import(before: str, package: str, rest: str) -> str:
    """`import package` binds the package's own name, whatever is behind it."""
    bound = f"{before}from {NAME} import {package}"
    return f"{bound}; import {NAME}.{package}{rest}" if rest else bound


def packages() -> list[str]:
    """Every package, by its installed name."""
    folders = [path.parent for top in PLACED for path in Path(top).rglob("__init__.py")]
    return [NAME, *sorted(f"{NAME}." + ".".join(folder.parts) for folder in folders)]


def build() -> None:
    """Hand it all to setuptools."""
    from setuptools import setup
    from setuptools.command.build_py import build_py
    from setuptools.command.editable_wheel import editable_wheel

    class PlaceUnderOneName(build_py):
        """Copies every module, its imports rewritten."""

        def build_module(self, module: str, module_file: str, package: str) -> Any:
            outfile, copied = super().build_module(module, module_file, package)
            path = Path(outfile)
            path.write_text(placed(path.read_text(encoding="utf-8")), encoding="utf-8")
            return outfile, copied

    class NoEditable(editable_wheel):
        """Says what to do instead: nothing could rewrite the imports of files that stay where they are."""

        def run(self) -> None:
            raise SystemExit("work in the checkout as it is (bash .ci/setup), or install it without --editable")

    with TemporaryDirectory() as outside:  # no module of an earlier build comes along, and none stays in the checkout
        setup(
            options={"build": {"build_base": outside}, "egg_info": {"egg_base": outside}},
            packages=packages(),
            package_dir={NAME: NAME, **{f"{NAME}.{top}": top for top in PLACED}},
            package_data={
                NAME: ["py.typed"],
                f"{NAME}.hw_profiles": ["*.toml"],
                f"{NAME}.compile.command": ["*.md"],
                f"{NAME}.compile.report.comparison": ["*.html"],
                f"{NAME}.compile.report.page": ["*.css", "*.html", "*.js"],
                f"{NAME}.models": ["weights/*", "data/arrays/*"],
            },
            cmdclass={"build_py": PlaceUnderOneName, "editable_wheel": NoEditable},
        )


if __name__ == "__main__":
    build()
