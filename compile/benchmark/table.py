"""Tables of measurements, as Markdown for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compile.output.atomic_folder import atomic_folder, check_places

SCHEMA = "spike-compiler-benchmark/1"
RECORD, PAGE = "benchmark.json", "benchmark.md"
Cell = str | int | float | None
"""None where a candidate does not exist for a row."""


@dataclass(frozen=True)
class Table:
    """Rows of cells under columns; note: what a reader must know, or why there is nothing."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Benchmark:
    """Tables, and the machine on which they were measured, in words."""

    machine: Mapping[str, str]
    tables: Sequence[Table]


def markdown(benchmark: Benchmark) -> str:
    """The machine, then every table under its title."""
    described = "; ".join(f"{key}: {value}" for key, value in benchmark.machine.items())
    return "\n\n".join([f"Machine: {described}.", *map(_section, benchmark.tables)]) + "\n"


def _section(table: Table) -> str:
    lines = [[*table.columns], ["---"] * len(table.columns)]
    lines += [[_text(cell) for cell in row] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    grid = "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines)
    return "\n\n".join(text for text in (f"## {table.title}", table.note, grid if table.rows else "") if text)


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    return (
        f"{cell:.0f}"
        if isinstance(cell, float) and abs(cell) >= 100
        else f"{cell:.3g}"
        if isinstance(cell, float)
        else str(cell)
    )


def content(benchmark: Benchmark) -> dict[str, Any]:
    """The same as JSON content: {schema, machine, tables: [{title, note, rows: [{column: cell}]}], files}."""
    listed = [
        {
            "title": table.title,
            "note": table.note,
            "rows": [dict(zip(table.columns, row, strict=True)) for row in table.rows],
        }
        for table in benchmark.tables
    ]
    return {"schema": SCHEMA, "machine": dict(benchmark.machine), "tables": listed, "files": [RECORD, PAGE]}


def check_benchmark(folder: Path) -> None:
    """Raise CompileError where a user's file is in the place of one of a benchmark."""
    check_places(folder, [Path(RECORD), Path(PAGE)], RECORD)


def write_benchmark(folder: Path, benchmark: Benchmark) -> None:
    """Write benchmark.md and benchmark.json into `folder`, both or none; CompileError as `atomic_folder`."""
    with atomic_folder(folder, RECORD) as new:
        (new / PAGE).write_text(markdown(benchmark), encoding="utf-8")
        (new / RECORD).write_text(json.dumps(content(benchmark), indent=1) + "\n", encoding="utf-8")
