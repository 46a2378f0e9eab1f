"""
`python -m tests.networks [NAME ...] --out docs/networks.md`: compile published networks, compare them, and write the page.

Every network runs in a process of its own with a limit of time, so that one that fails costs its row only, which says so. Rows are
kept in a folder, so that a run for some names makes the page of all that have run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

from compile.command.arguments import path
from models.zoo.child import run_child

os.environ.setdefault("OMP_NUM_THREADS", "1")

LIMIT = 1200
"""Seconds that a network may take."""


def main() -> int:
    from tests.networks.network import SIZES

    parser = argparse.ArgumentParser(prog="python -m tests.networks", description="Compile published networks.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="rows of the table in tests/networks/table.py (default: all)"
    )
    parser.add_argument("--size", choices=SIZES, action="append", help="may be given twice (default: both)")
    parser.add_argument("--out", type=path, default=Path("out/networks.md"), metavar="FILE", help="the page")
    parser.add_argument("--limit", type=int, default=LIMIT, metavar="SECONDS", help="per network")
    parser.add_argument("--rows", type=path, default=Path("out/networks"), metavar="DIR", help="where rows are kept")
    parser.add_argument("--row", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    from tests.networks.table import NETWORKS

    unknown = set(options.names) - set(NETWORKS)
    if unknown:
        parser.error(f"no network {min(unknown)!r}; there are {', '.join(NETWORKS)}")
    names, sizes = options.names or list(NETWORKS), options.size or list(SIZES)
    if options.row:
        return _one_row(names[0], sizes[0], options.rows)
    for size in sizes:
        for name in names:
            _in_a_process(name, size, options.limit, options.rows)
            _write_page(options.out, options.rows)
    return 0


def _one_row(name: str, size: str, folder: Path) -> int:
    """What the process of one network does: measure it, and keep the row."""
    from tests.networks.measure import measured
    from tests.networks.network import SIZES

    start = time.perf_counter()
    row = measured(name, SIZES[SIZES.index(size)])  # pyright: ignore
    _keep(replace(row, seconds=time.perf_counter() - start), folder)
    return 0


def _keep(row: object, folder: Path) -> None:
    from tests.networks.measure import Row

    assert isinstance(row, Row)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{row.size}-{row.name}.json").write_text(json.dumps(asdict(row)))


def _in_a_process(name: str, size: str, limit: int, folder: Path) -> None:
    """Run one network, and keep a row that says so where its process fails or takes too long."""
    from tests.networks.measure import Row
    from tests.networks.table import NETWORKS

    print(f"{size} {name} ...", end=" ", flush=True)
    start = time.perf_counter()
    command = [sys.executable, "-m", "tests.networks", name, "--size", size, "--rows", str(folder), "--row"]
    failed = run_child(command, limit).failed
    if failed:
        _keep(Row(name, size, NETWORKS[name].source, float_refused=failed), folder)
    print(f"{time.perf_counter() - start:.0f} s {failed}", flush=True)


def _write_page(out: Path, folder: Path) -> None:
    """The page of all rows that are kept."""
    from compile.benchmark.machine import machine
    from compile.output.atomic_file import write_atomically
    from tests.networks.measure import Row
    from tests.networks.network import SIZES
    from tests.networks.page import page
    from tests.networks.table import NETWORKS

    files = [folder / f"{size}-{name}.json" for size in SIZES for name in NETWORKS]
    rows = [Row(**json.loads(file.read_text())) for file in files if file.is_file()]
    known = {key: value for key, value in machine().items() if key not in ("load", "int8 products")}
    write_atomically(
        out, page(rows, known, date.today().isoformat(), "python -m tests.networks --out docs/networks.md")
    )


if __name__ == "__main__":
    sys.exit(main())
