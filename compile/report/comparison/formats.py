"""Comparisons as text: for a terminal and as Markdown all of it, as LaTeX and CSV one table, for programs JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from compile.command.screen import Screen
from compile.report.comparison.differences import RunComparison
from compile.report.comparison.fact import Facts, plain_name
from compile.report.comparison.run_table import RunTable, run_table
from compile.report.comparison.saved_report import SavedReport
from compile.report.comparison.sheet import Sheet

SCHEMA = "spike-compiler-comparison/1"
SAME, EQUAL = "the same in all runs", "no difference"
DIFFERENCES = ("before", "after", "where", "what", "unit", "value_before", "value_after", "change", "relative")


@dataclass(frozen=True)
class Content:
    """What is shown."""

    reports: Sequence[SavedReport]
    comparisons: Sequence[RunComparison]
    """Pairs of runs whose differences are shown, too."""
    only_differences: bool
    """Whether the table of all runs is left out."""

    @cached_property
    def table(self) -> RunTable:
        """All runs."""
        return run_table(self.reports)


def text(content: Content, screen: Screen) -> str:
    """For a terminal."""
    return "\n\n".join(_text_blocks(content, screen))


def _text_blocks(content: Content, screen: Screen) -> Iterator[str]:
    if not content.only_differences:
        shared = [f"{group:<9}{listed(facts)}" for group, facts in content.table.shared.items()]
        if shared:
            yield "\n".join([screen.paint(SAME, "head"), *(line for each in shared for line in screen.wrapped(each))])
        yield content.table.sheet().text(screen.width)
    for comparison in content.comparisons:
        yield screen.paint(f"{comparison.before.label} -> {comparison.after.label}", "head")
        if comparison.is_equal:
            yield EQUAL
        if comparison.differences:
            yield comparison.sheet().text(screen.width)
        if comparison.alone:
            yield "\n".join(line for each in alone_lines(comparison) for line in screen.wrapped(each))


def _markdown(content: Content) -> str:
    return "\n\n".join(_markdown_blocks(content))


def _markdown_blocks(content: Content) -> Iterator[str]:
    if not content.only_differences:
        shared = [f"* {group}: {listed(facts)}" for group, facts in content.table.shared.items()]
        if shared:
            yield "\n".join([f"{SAME.capitalize()}:", "", *shared])
        yield content.table.sheet().markdown()
    for comparison in content.comparisons:
        yield f"## {comparison.before.label} -> {comparison.after.label}"
        if comparison.is_equal:
            yield f"{EQUAL.capitalize()}."
        if comparison.differences:
            yield comparison.sheet().markdown()
        yield from alone_lines(comparison)


def _latex(content: Content) -> str:
    return "\n\n".join(_latex_blocks(content))


def _latex_blocks(content: Content) -> Iterator[str]:
    if not content.only_differences:
        shared = [f"{group}: {listed(facts)}" for group, facts in content.table.shared.items()]
        yield "\n".join([*_latex_notes([SAME, *shared] if shared else []), content.table.sheet().latex()])
    for comparison in content.comparisons if content.only_differences else ():
        notes = [EQUAL] if comparison.is_equal else [*alone_lines(comparison)]
        yield "\n".join([*_latex_notes(notes), comparison.sheet().latex()])


def _latex_notes(notes: Sequence[str]) -> list[str]:
    return [f"% {' '.join(note.split())}" for note in notes]


def _csv(content: Content) -> str:
    if not content.only_differences:
        return content.table.whole_sheet().csv()
    rows = [row for comparison in content.comparisons for row in _plain_differences(comparison)]
    return Sheet(
        DIFFERENCES, [["" if row[name] is None else str(row[name]) for name in DIFFERENCES] for row in rows]
    ).csv()


def _json(content: Content) -> str:
    differences = [row for comparison in content.comparisons for row in _plain_differences(comparison)]
    runs = [_plain_report(report) for report in content.reports]
    return json.dumps({"schema": SCHEMA, "runs": runs, "differences": differences}, indent=1)


def _plain_report(report: SavedReport) -> dict[str, Any]:
    groups = {
        group: {plain_name(name, [fact]): fact.value for name, fact in facts.items()}
        for group, facts in report.groups.items()
    }
    return {"run": report.label, "file": str(report.file), **groups, "warnings": [*report.warnings]}


def _plain_differences(comparison: RunComparison) -> Iterator[dict[str, Any]]:
    """By the names of DIFFERENCES; what only one run has is a difference without values where the other has it not."""
    runs = (comparison.before.label, comparison.after.label)
    for each in comparison.differences:
        values = (each.before.value, each.after.value, each.change.value, each.relative)
        yield dict(
            zip(DIFFERENCES, (*runs, each.place, each.name, each.before.unit or each.after.unit, *values), strict=True)
        )
    for present, names in ((("present", None), comparison.only_before), ((None, "present"), comparison.only_after)):
        for name in names:
            kind, _, which = name.partition(" ")
            yield dict(zip(DIFFERENCES, (*runs, kind, which, "", *present, None, None), strict=True))


def listed(facts: Facts) -> str:
    """Facts in a line."""
    return ", ".join(f"{name} {fact.alone()}" for name, fact in facts.items())


def alone_lines(comparison: RunComparison) -> list[str]:
    """What only one of two runs has, in words."""
    return [f"only in {label}: {', '.join(names)}" for label, names in comparison.alone.items()]


DOCUMENTS: Mapping[str, Callable[[Content], str]] = {
    "csv": _csv,
    "latex": _latex,
    "json": _json,
    "markdown": _markdown,
}
"""Format beside text -> what writes it."""
