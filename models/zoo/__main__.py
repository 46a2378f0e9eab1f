"""
`python -m models.zoo [NAME ...]`: measure the networks, and write the tables: in a checkout docs/zoo.md and README's.

Rows are kept beside the page (`.jsonl`). Without names it measures what has no row, one of another configuration or other
weights, or one that failed; with names (a model, or MODEL-CONFIG), these anew.
Interrupt it at any time: the same command goes on.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from compile.command.exit_code import EXIT_BUG, EXIT_OK, exit_code
from models.training.run_files import write_text
from models.zoo.cases import cases
from models.zoo.page import page, with_short_table
from models.zoo.row import ZooRow, current, measured, read_rows, write_rows

LIMIT = 1200
"""Seconds that a run of a network may take."""
PAGE, README = Path("docs/zoo.md"), Path("README.md")
"""The tables of a checkout, from its root."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 all of it has rows, 1 a network failed, 2 bad arguments or files, 128 + n after the signal n."""
    parser = argparse.ArgumentParser(prog="python -m models.zoo", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="measure these anew (default: what has no row)")
    parser.add_argument("--out", type=Path, metavar="FILE", help=f"the page (default: {PAGE}, if it is there)")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="a page with the marks of the short table")
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="SECONDS", help="per run of a network")
    parser.add_argument("--page-only", action="store_true", help="write the page from the rows that are there")
    options = _with_pages(parser.parse_args(arguments))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return exit_code(lambda: _run(options))


def _with_pages(options: argparse.Namespace) -> argparse.Namespace:
    """A page that was not named is the checkout's, and with it README; elsewhere it is in `out`."""
    if options.out is None:
        options.out = PAGE if PAGE.is_file() else Path("out/zoo.md")
        options.readme = options.readme or (README if PAGE.is_file() else None)
    return options


def _run(options: argparse.Namespace) -> int:
    wanted, kept = cases(options.names), options.out.with_suffix(".jsonl")
    rows = current(read_rows(kept), cases())
    options.out.parent.mkdir(parents=True, exist_ok=True)
    _write(options, rows)
    if options.page_only:
        return 0
    for case in [each for each in wanted if options.names or each.name not in rows or rows[each.name].failed]:
        print(f"{case.name} ...", end=" ", flush=True)
        row = measured(case, options.limit).with_speeds_of(rows.get(case.name))
        rows = current({**rows, case.name: row}, cases())
        write_rows(kept, rows)
        _write(options, rows)
        print(row.failed or "measured", flush=True)
    return EXIT_BUG if any(rows[case.name].failed for case in wanted) else EXIT_OK


def _write(options: argparse.Namespace, rows: dict[str, ZooRow]) -> None:
    missing = [case for case in cases() if case.name not in rows]
    write_text(options.out, page([*rows.values()], missing))
    if options.readme is not None:
        text = with_short_table(options.readme.read_text(encoding="utf-8"), [*rows.values()])
        write_text(options.readme, text)


if __name__ == "__main__":
    sys.exit(main())
