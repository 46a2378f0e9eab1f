"""
`python -m models.zoo [NAME ...] --out docs/zoo.md --readme README.md`: measure the networks, and write the tables.

Rows are kept beside the page (`.jsonl`). Without names it measures what has no row, or one of another configuration or other
weights; with names (a model, or MODEL-CONFIG), these anew.
Interrupt it at any time: the same command goes on.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from models.training.run_files import TrainingError, write_text
from models.zoo.cases import cases
from models.zoo.page import page, with_short_table
from models.zoo.row import ZooRow, current, measured, read_rows, write_rows

LIMIT = 1200
"""Seconds that a run of a network may take."""
BAD_INPUT, INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 all of it has rows, 2 bad arguments or files, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m models.zoo", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="measure these anew (default: what has no row)")
    parser.add_argument("--out", type=Path, default=Path("out/zoo.md"), metavar="FILE", help="the page")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="a page with the marks of the short table")
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="SECONDS", help="per run of a network")
    parser.add_argument("--page-only", action="store_true", help="write the page from the rows that are there")
    options = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        return _run(options)
    except (ValueError, TrainingError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted; rows that were finished are kept, and the same command goes on", file=sys.stderr)
        return INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    wanted, kept = cases(options.names), options.out.with_suffix(".jsonl")
    rows = current(read_rows(kept), cases())
    options.out.parent.mkdir(parents=True, exist_ok=True)
    _write(options, rows)
    if options.page_only:
        return 0
    for case in wanted if options.names else [case for case in wanted if case.name not in rows]:
        print(f"{case.name} ...", end=" ", flush=True)
        row = measured(case, options.limit).with_speeds_of(rows.get(case.name))
        rows = current({**rows, case.name: row}, cases())
        write_rows(kept, rows)
        _write(options, rows)
        print(row.failed or "measured", flush=True)
    return 0


def _write(options: argparse.Namespace, rows: dict[str, ZooRow]) -> None:
    missing = [case for case in cases() if case.name not in rows]
    write_text(options.out, page([*rows.values()], missing))
    if options.readme is not None:
        text = with_short_table(options.readme.read_text(encoding="utf-8"), [*rows.values()])
        write_text(options.readme, text)


if __name__ == "__main__":
    sys.exit(main())
