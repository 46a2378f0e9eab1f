"""Reads the report.json of finished runs, each under a name that no other one has."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compile.output.earlier_run import REPORT
from compile.report.comparison.fact import Facts
from compile.report.comparison.json_value import JsonValue
from compile.report.comparison.report_facts import Groups, layer_facts, part_facts, run_facts
from compile.report.schema import SCHEMA
from ir.errors import CompileError, no_file

AGAIN = "run the network again with --out"


@dataclass(frozen=True)
class SavedPart:
    """One part of a network."""

    groups: Groups
    """What is known of it alone."""
    layers: Mapping[str, Facts]
    """Layer -> what is known about it."""


@dataclass(frozen=True)
class SavedReport:
    """What one run found out."""

    label: str
    """What it is called beside the others."""
    file: Path
    groups: Groups
    """Of the whole run."""
    parts: Mapping[str, SavedPart]
    warnings: Sequence[str]


def read_reports(places: Sequence[Path]) -> list[SavedReport]:
    """The reports in folders, or in files; CompileError where one is not there, or not whole."""
    files = [place / REPORT if place.is_dir() else place for place in places]
    return [_read(file, label) for file, label in zip(files, _labels(files), strict=True)]


def _read(file: Path, label: str) -> SavedReport:
    report = _content(file)
    parts = {part["name"].text(): part for part in report["parts"].entries()}
    if not parts:
        raise CompileError("comparison.field", "parts is empty", where=str(file), hint=AGAIN)
    return SavedReport(
        label,
        file,
        run_facts(report),
        {name: SavedPart(part_facts([part]), layer_facts(part)) for name, part in parts.items()},
        [warning.text() for warning in report["warnings"].entries()],
    )


def _content(file: Path) -> JsonValue:
    """The file, whose schema is the one that this version writes."""
    if not file.is_file():
        hint = "name folders that --out wrote, or their report.json"
        raise CompileError("comparison.missing", f"no report: {no_file(file)}", where=str(file), hint=hint)
    try:
        content = JsonValue(json.loads(file.read_bytes()), file)
    except (ValueError, RecursionError) as error:
        what = f"this is not JSON, or only the beginning of it: {error}"
        raise CompileError("comparison.json", what, where=str(file), hint=AGAIN) from None
    schema = content.maybe("schema")
    if schema is None or schema.content != SCHEMA:
        told = "no report of this compiler" if schema is None else f"of schema {schema.shown()!r}, not {SCHEMA!r}"
        raise CompileError("comparison.schema", f"the file is {told}", where=str(file), hint=AGAIN)
    return content


def _labels(files: Sequence[Path]) -> list[str]:
    """The shortest end of every path that tells it from the others; a file that is named again is numbered."""
    places = [_place(file.absolute()) for file in files]
    labels: list[str] = []
    for number, place in enumerate(places):
        others = {other for other in places if other != place}
        ends = ((place[-length:], length) for length in range(1, len(place) + 1))
        end = next((end for end, length in ends if end not in {other[-length:] for other in others}), place)
        earlier = Counter(places[:number])[place]
        labels.append("/".join(end) + (f" ({earlier + 1})" if earlier else ""))
    return labels


def _place(file: Path) -> tuple[str, ...]:
    """The names on the way to a run: its folder, or the file where that has a name of its own."""
    resolved = file.resolve()
    return (resolved.parent if resolved.name == REPORT else resolved.with_suffix("")).parts
