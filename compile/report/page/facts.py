"""The tables of the page that say what the report found, and its headline numbers."""

from __future__ import annotations

from collections.abc import Iterator

from compile.report.page.tables import Cell, PageTable, table
from compile.report.report import PartReport, Report
from compile.stages.phase import latency_steps


def main_metric(report: Report) -> tuple[str, float, float] | None:
    """The metric by which sweeps are judged, of the network and of its integers; None without any."""
    values = report.metrics.values
    if not values:
        return None
    name = [*values["source"]][-1]
    return name, values["source"][name], values["compiled"][name]


def metric_table(report: Report) -> PageTable:
    """All metrics of the network as it is, lowered, and compiled."""
    values = report.metrics.values
    names = [*values["source"]] if values else list[str]()
    rows = [[Cell(name), *(_number(own[name]) for own in values.values())] for name in names]
    return table("metrics", ("metric", *values), rows)


def chip_table(part: PartReport, name: str) -> PageTable:
    """What the part takes of the chip, in words."""
    return table(name, ("", ""), [*_chip_facts(part)])


def _chip_facts(part: PartReport) -> Iterator[tuple[str, str]]:
    phases = part.build.program.phases
    yield "chip", part.occupancy.text()
    if part.build.wanted_map is not None:
        yield "map", part.build.wanted_map.text()
    for misfit in part.occupancy.misfits:
        yield "does not fit", misfit.what
    if part.run.timing is not None:
        yield "time", part.run.timing.text()
    counted = "one phase" if len(phases) == 1 else f"{len(phases)} phases"
    yield "pipeline", f"{counted}, outputs {latency_steps(phases)} steps behind the inputs"
    for border in part.borders:
        yield "host", border.text()
    for pooling in part.poolings:
        yield "pooling", pooling.text()


def reading_table(report: Report) -> PageTable:
    """How a NIR file was understood, option by option."""
    imported = report.source.reading
    record = imported.reading.record() if imported is not None and imported.reading is not None else {}
    rows = [[name, str(own["value"]), own["source"]] for name, own in record.items()]
    return table("reading", ("option", "value", "said by"), rows)


def seconds_table(report: Report) -> PageTable:
    """Where the time went, without the single passes."""
    stages = {name: own for name, own in report.seconds.items() if name.count(": ") < 2}
    return table("seconds", ("stage", "seconds"), [[Cell(name), _number(own, 3)] for name, own in stages.items()])


def _number(value: float, digits: int = 4) -> Cell:
    return Cell(f"{value:.{digits}g}", value)
