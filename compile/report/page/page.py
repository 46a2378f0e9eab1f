"""report.html: the whole report as one file, with its figures, scripts and styles in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from compile.measure.run import engine_text
from compile.report.page import energy, integers
from compile.report.page.activity import activity
from compile.report.page.command import command_line
from compile.report.page.figures import Choice, embedded, script_json
from compile.report.page.layers import layer_table
from compile.report.page.network_graph import network_graph
from compile.report.page.origin import versions
from compile.report.page.tables import Cell, Table, table
from compile.report.page.template import filled
from compile.report.report import PartReport, Report
from compile.report.units import energy_text
from compile.stages.phase import latency_steps

TEMPLATE = Path(__file__).with_name("page.html")


@dataclass(frozen=True)
class _Chosen:
    """A figure whose data the reader chooses, by the ids of both."""

    figure: str
    data: str
    names: Sequence[str]
    """What can be chosen."""


@dataclass
class _Figures:
    """The figures of the page and their data by their ids, as JSON for its script."""

    made: dict[str, str] = field(default_factory=dict[str, str])

    def __call__(self, figure: Any) -> str:
        """Keep a figure; its id."""
        return self._keep(embedded(figure))

    def choice(self, choice: Choice | None) -> _Chosen | None:
        """Keep a figure with what it can show."""
        if choice is None:
            return None
        return _Chosen(self(choice.figure), self._keep(script_json(choice.data)), [*choice.data])

    def _keep(self, content: str) -> str:
        name = f"data-{len(self.made) + 1}"
        self.made[name] = content
        return name


@dataclass(frozen=True)
class _Part:
    """What the page shows of one part; figures by their ids."""

    name: str
    report: PartReport
    layers: Table
    bars: str
    waterfall: str
    graph: str
    activity: _Chosen | None
    ranges: str
    histograms: _Chosen | None
    pictures: Mapping[str, str]
    facts: Table


def report_page(report: Report, pictures: Mapping[str, Mapping[str, bytes]]) -> str:
    """
    The page as text.

    Args:
        pictures: part -> file -> SVG of its cores and their traffic.
    """
    figures = _Figures()
    parts = [
        _part(part, number, figures, pictures.get(part.build.part.name, {})) for number, part in enumerate(report.parts)
    ]
    content = {
        "report": report,
        "title": report.source.name + (f" ({report.source.config})" if report.source.config else ""),
        "engine": engine_text(report.parts[0].build.program),
        "profile": report.parts[0].build.program.profile,
        "parts": parts,
        "verdicts": [(part.build.part.name, each) for part in report.parts for each in part.run.verdicts],
        "worst": _worst(report),
        "metrics": _metric_table(report),
        "cost": _cost(report),
        "prices": _price_table(report),
        "reading": _reading_table(report),
        "command": command_line(report.network, report.options) if report.network else "",
        "versions": table("versions", ("package", "version"), [*versions().items()]),
        "seconds": _seconds_table(report),
    }
    return filled(TEMPLATE, figures.made, content)


def _part(part: PartReport, number: int, figures: _Figures, pictures: Mapping[str, bytes]) -> _Part:
    build, cost, quantization = part.build, part.energy, part.build.deployment.quantization
    return _Part(
        name=build.part.name,
        report=part,
        layers=layer_table(part, f"layers-{number}"),
        bars=""
        if cost is None
        else figures(
            energy.bars(
                {
                    "dense twin": cost.dense_twin_pj,
                    "like for like": cost.arithmetic_pj,
                    "formula": cost.analytic_pj,
                    "counted": cost.simulated_pj,
                }
            )
        ),
        waterfall=""
        if cost is None
        else figures(energy.waterfall(("formula", cost.analytic_pj), cost.causes, "counted")),
        graph=figures(network_graph(build)),
        activity=figures.choice(activity(part.run.first)),
        ranges="" if quantization is None or not quantization.layers else figures(integers.ranges(quantization.layers)),
        histograms=figures.choice(integers.histograms(build)),
        pictures={name: _inline(svg) for name, svg in pictures.items()},
        facts=table(f"facts-{number}", ("", ""), [*_facts(part)]),
    )


def _inline(svg: bytes) -> str:
    """The element alone, without the head of a file."""
    text = svg.decode("utf-8")
    return text[text.index("<svg") :]


def _facts(part: PartReport) -> Iterator[tuple[str, str]]:
    """Of the chip, in words."""
    yield "chip", part.occupancy.text()
    if part.run.timing is not None:
        yield "time", part.run.timing.text()
    yield (
        "pipeline",
        f"{len(part.build.program.phases)} phases, outputs {latency_steps(part.build.program.phases)} steps behind the inputs",
    )
    for border in part.borders:
        yield "host", border.text()
    if part.build.wanted_map is not None:
        yield "map", part.build.wanted_map.text()


def _worst(report: Report) -> tuple[str, float, float] | None:
    """The metric that the integers change most for the worse, before and after; larger is taken to be better."""
    values = report.metrics.values
    if not values:
        return None
    source, compiled = values["source"], values["compiled"]
    name = min(source, key=lambda each: compiled[each] - source[each])
    return name, source[name], compiled[name]


def _metric_table(report: Report) -> Table:
    kinds = [*report.metrics.values]
    names = [*next(iter(report.metrics.values.values()), {})]
    rows = [[name, *(_number(report.metrics.values[kind][name]) for kind in kinds)] for name in names]
    return table("metrics", ("metric", *kinds), rows)


def _cost(report: Report) -> str:
    """Counted, of all parts; "" without prices."""
    energies = [part.energy.simulated_pj for part in report.parts if part.energy is not None]
    return energy_text(sum(energies, Fraction(0))) if energies else ""


def _price_table(report: Report) -> Table:
    own = report.parts[0].energy
    rows = [
        [
            key.replace("_", " "),
            f"{float(each.value):g} {each.unit}",
            each.kind,
            each.lender or report.profile,
            each.source,
            each.note,
        ]
        for key, each in (own.prices if own is not None else {}).items()
    ]
    return table("prices", ("price", "value", "kind", "of", "source", "note"), rows)


def _reading_table(report: Report) -> Table:
    imported = report.source.reading
    record = imported.reading.record() if imported is not None and imported.reading is not None else {}
    return table(
        "reading",
        ("option", "value", "said by"),
        [[name, str(own["value"]), own["source"]] for name, own in record.items()],
    )


def _seconds_table(report: Report) -> Table:
    stages = {name: own for name, own in report.seconds.items() if name.count(": ") < 2}
    return table("seconds", ("stage", "seconds"), [[name, _number(own, 3)] for name, own in stages.items()])


def _number(value: float, digits: int = 4) -> Cell:
    return Cell(f"{value:.{digits}g}", value)
