"""
`python -m tests.published [NAME ...] --out docs/published-sizes.md`: compile networks of published size, count and run them, and
write the page.

Every network runs in a process of its own with a limit of time, one after another, so that one that fails costs its row only.
Rows are kept in a folder, so that a run for some names makes the page of all that have run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path

from compile.command.arguments import path
from models.zoo.child import run_child

os.environ.setdefault("OMP_NUM_THREADS", "1")

LIMIT = 1200
"""Seconds that a network may take."""


def main() -> int:
    from tests.published.measure import NETWORKS, measured

    parser = argparse.ArgumentParser(
        prog="python -m tests.published", description="Measure networks of published size."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(NETWORKS)} (default: all)")
    parser.add_argument("--out", type=path, default=Path("out/published-sizes.md"), metavar="FILE", help="the page")
    parser.add_argument("--rows", type=path, default=Path("out/published"), metavar="DIR", help="where rows are kept")
    parser.add_argument("--row", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = set(options.names) - set(NETWORKS)
    if unknown:
        parser.error(f"no network {min(unknown)!r}; there are {', '.join(NETWORKS)}")
    if options.row:
        (name,) = options.names
        options.rows.mkdir(parents=True, exist_ok=True)
        (options.rows / f"{name}.json").write_text(json.dumps(asdict(measured(name))))
        return 0
    failed = False
    for name in options.names or NETWORKS:
        print(name, "...", end=" ", flush=True)
        ended = run_child([sys.executable, "-m", "tests.published", name, "--rows", str(options.rows), "--row"], LIMIT)
        print(ended.failed, flush=True)
        failed |= bool(ended.failed)
        _write_page(options.out, options.rows)
    return int(failed)


def _write_page(out: Path, folder: Path) -> None:
    """The page of all rows that are kept."""
    from compile.benchmark.machine import machine
    from compile.output.atomic_file import write_atomically
    from tests.published.measure import NETWORKS, Row
    from tests.published.page import page

    files = [folder / f"{name}.json" for name in NETWORKS]
    rows = [Row(**json.loads(file.read_text())) for file in files if file.is_file()]
    known = {key: value for key, value in machine().items() if key not in ("load", "int8 products")}
    write_atomically(out, page(rows, known, date.today().isoformat()))


if __name__ == "__main__":
    sys.exit(main())
