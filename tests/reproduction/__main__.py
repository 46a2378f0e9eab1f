"""`python -m tests.reproduction --out docs/reproduction.md`: count CMSF at published size, and write the page."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from compile.command.arguments import path
from compile.output.atomic_file import write_atomically
from models.cmsf import CONFIGS
from tests.reproduction.cmsf import FUSIONS, fusion, table_4
from tests.reproduction.page import page


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.reproduction", description="Reproduce published tables.")
    parser.add_argument("--out", type=path, default=Path("out/reproduction.md"), metavar="FILE", help="the page")
    options = parser.parse_args()
    config = CONFIGS["paper"]
    write_atomically(options.out, page(table_4(config), [fusion(replace(config, fusion=name)) for name in FUSIONS]))


if __name__ == "__main__":
    main()
