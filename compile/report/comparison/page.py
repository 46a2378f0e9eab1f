"""A page for a browser: the runs as a table and as bars, and what differs, in one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bokeh.models import NumeralTickFormatter

from compile.report.comparison.differences import Difference, RunComparison
from compile.report.comparison.fact import UNITS
from compile.report.comparison.formats import Content, alone_lines, listed
from compile.report.comparison.run_table import FactColumn, RunTable
from compile.report.page.figures import BLUE, chart, embedded
from compile.report.page.tables import Cell, PageTable, table
from compile.report.page.template import filled

TEMPLATE = Path(__file__).with_name("comparison.html")
BARS = (
    "F1",
    "rate",
    "neurons",
    "synapses",
    "cores",
    "step",
    "latency",
    "throughput",
    "counted energy",
    "formula",
    "dense twin",
)
"""What is shown as bars, beside the metrics of what runs."""
COMPILED = ", compiled"
IN_TITLE = 3
"""So many runs are named in the title."""
ROW = 24
"""Pixels of a bar's row."""


def comparison_page(content: Content) -> str:
    """The page as text."""
    runs = content.table
    columns = [] if content.only_differences else [column for column in runs.columns if _is_drawn(column)]
    figures = {f"bars-{number}": embedded(_bars(runs, column)) for number, column in enumerate(columns)}
    return filled(
        TEMPLATE,
        figures,
        title=" | ".join(runs.labels) if len(runs.labels) <= IN_TITLE else f"{len(runs.labels)} runs",
        runs=None if content.only_differences else _run_table(runs),
        shared={group: listed(facts) for group, facts in runs.shared.items()},
        bars=dict(zip((column.head for column in columns), figures, strict=True)),
        comparisons=[_comparison(each, number) for number, each in enumerate(content.comparisons)],
    )


def _is_drawn(column: FactColumn) -> bool:
    """Whether it is one of the main numbers, and known of several runs."""
    known = [fact for fact in column.facts if fact.number is not None]
    return len(known) > 1 and (column.name in BARS or column.name.endswith(COMPILED))


def _bars(runs: RunTable, column: FactColumn) -> Any:
    """One bar per run."""
    size = UNITS[next(fact.unit for fact in column.facts if fact.number is not None)][column.unit]
    known = [
        (label, fact.number / size)
        for label, fact in zip(runs.labels, column.facts, strict=True)
        if fact.number is not None
    ]
    data = {"run": [label for label, _ in known], "value": [value for _, value in known]}
    made = chart(40 + ROW * len(known), [("", "@run"), (column.head, "@value")], y_range=data["run"][::-1])
    made.hbar("run", right="value", left=0, height=0.6, source=data, color=BLUE)
    made.x_range.start = min(0, *data["value"])
    made.xaxis.ticker.desired_num_ticks = 3
    made.xaxis.formatter = NumeralTickFormatter(format="0,0.[0000]")
    return made


def _run_table(runs: RunTable) -> PageTable:
    columns = [[Cell(label) for label in runs.labels], *(_cells(column) for column in runs.different)]
    return table("runs", ["run", *(column.head for column in runs.different)], [*zip(*columns, strict=True)])


def _cells(column: FactColumn) -> list[Cell]:
    """Shown rounded, sorted by the numbers themselves."""
    return [Cell(text, fact.number) for text, fact in zip(column.texts, column.facts, strict=True)]


def _row(difference: Difference, texts: Sequence[str]) -> list[Cell]:
    """Shown as everywhere, sorted by the numbers themselves."""
    values = (difference.before.number, difference.after.number, difference.change.number, difference.relative)
    return [Cell(text, value) for text, value in zip(texts, (None, None, *values), strict=True)]


def _comparison(comparison: RunComparison, number: int) -> Mapping[str, Any]:
    """Its title, its table and what only one of both has, for the template."""
    sheet = comparison.sheet()
    rows = [_row(each, cells) for each, cells in zip(comparison.differences, sheet.rows, strict=True)]
    return {
        "title": f"{comparison.before.label} → {comparison.after.label}",
        "table": table(f"differences-{number}", sheet.head, rows),
        "is_equal": comparison.is_equal,
        "alone": alone_lines(comparison),
    }
