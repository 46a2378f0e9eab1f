"""report.html: the whole report as one file, with its figures, scripts and styles in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compile.measure.membranes import membranes
from compile.measure.run import engine_text
from compile.report.energy_lines import range_text
from compile.report.origin import versions
from compile.report.page import energy, facts, integers
from compile.report.page.activity import activity
from compile.report.page.command import command_line
from compile.report.page.examples import picture_uri
from compile.report.page.figures import Selection, embedded, script_json
from compile.report.page.layers import layer_table
from compile.report.page.network_graph import network_graph
from compile.report.page.tables import PageTable, table
from compile.report.page.template import filled
from compile.report.report import PartReport, Report

TEMPLATE = Path(__file__).with_name("page.html")


def report_page(report: Report, pictures: Mapping[str, Mapping[str, bytes]]) -> str:
    """
    The page as text.

    Args:
        pictures: part -> file -> SVG of its cores and their traffic.
    """
    figures, source, inference = _Figures(), report.source, report.energy
    own = inference.tables[0].network
    parts = [
        _part(part, number, figures, pictures.get(part.build.part.name, {})) for number, part in enumerate(report.parts)
    ]
    return filled(
        TEMPLATE,
        figures.made,
        report=report,
        title=source.name + (f" ({source.config})" if source.config else ""),
        engine=engine_text(report.parts[0].build.program),
        parts=parts,
        metric=facts.main_metric(report),
        metrics=facts.metric_table(report),
        cost=range_text(own.energy) if own.energy is not None else "",
        counted=own,
        dense_over_network=inference.tables[0].dense_over_network,
        like_for_like=energy.like_for_like(inference),
        energies=figures.shown(energy.energies(inference)),
        bill=energy.bill_table(own),
        waterfall=figures.shown(energy.waterfall(inference)),
        reading=facts.reading_table(report),
        seconds=facts.seconds_table(report),
        examples=[(each, picture_uri(each.image)) for each in report.metrics.examples],
        command=command_line(report.network, report.options) if report.network else "",
        versions=table("versions", ("package", "version"), [*versions().items()]),
    )


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

    def shown(self, figure: Any) -> str:
        """The id of a figure that there may be none of: "" then."""
        return "" if figure is None else self(figure)

    def choice(self, choice: Selection | None) -> _Chosen | None:
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
    """What the page shows of one part; figures by their ids, "" for those that there is nothing to show in."""

    name: str
    report: PartReport
    layers: PageTable
    graph: str
    activity: _Chosen | None
    ranges: str
    histograms: _Chosen | None
    chip: PageTable
    pictures: Sequence[str]


def _part(part: PartReport, number: int, figures: _Figures, pictures: Mapping[str, bytes]) -> _Part:
    build, rounding = part.build, part.build.deployment.quantization
    return _Part(
        name=build.part.name,
        report=part,
        layers=layer_table(part, f"layers-{number}"),
        graph=figures(network_graph(build)),
        activity=figures.choice(activity(part.run.first, membranes(build.program, part.run.first.inputs))),
        ranges="" if rounding is None or not rounding.layers else figures(integers.ranges(rounding.layers)),
        histograms=figures.choice(integers.histograms(build)),
        chip=facts.chip_table(part, f"chip-{number}"),
        pictures=[_inline(svg) for svg in pictures.values()],
    )


def _inline(svg: bytes) -> str:
    """The element alone, without the head of a file."""
    text = svg.decode("utf-8")
    return text[text.index("<svg") :]
