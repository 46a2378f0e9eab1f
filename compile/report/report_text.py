"""The report for the terminal: one screen."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from fractions import Fraction

from compile.measure.run import engine_text
from compile.report.report import Report
from compile.report.table import HEAD, energy_text, part_lines
from frontend.nir.import_nir import NirImport

WIDTH = 112
LAYERS_IN_FULL = 18
"""Up to this many layers, every one has its own line; beyond it the layers of one module share a line."""


def report_text(report: Report) -> str:
    """The whole report."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    options, source = report.options, report.source
    config = f" ({source.config})" if source.config else ""
    engine = engine_text(report.parts[0].build.program)
    samples = report.parts[0].run.trace.events.samples
    yield f"{source.name}{config} -> {options.target}: {engine}, {options.precision}, profile {report.profile}"
    steps = report.parts[0].run.trace.events.steps
    yield f"T = {source.steps or f'{steps} (streaming)'}, {samples} samples; energies per sample"
    yield from _reading_lines(source.reading)
    yield ""
    yield HEAD
    by_module = sum(len(part.layers) for part in report.parts) > LAYERS_IN_FULL
    for part in report.parts:
        yield from part_lines(part, by_module)
    yield from _check_lines(report)
    yield from _chip_lines(report)
    yield from _energy_lines(report)
    yield from _metric_lines(report.metrics)
    if report.files:
        yield f"files    {', '.join(str(path) for path in report.files.values())}"


def _check_lines(report: Report) -> Iterator[str]:
    yield ""
    for part in report.parts:
        imported = part.build.imported
        if imported is not None:
            yield from _wrapped(f"import   {part.build.part.name}: {imported.text()}")
    for part in report.parts:
        mark = "PASS" if part.run.verdict.passed else "FAIL"
        text = f"check    {part.build.part.name}: {mark}, {part.run.verdict.against}: {part.run.verdict.text()}"
        yield from _wrapped(text)


def _chip_lines(report: Report) -> Iterator[str]:
    for part in report.parts:
        if part.occupancy.neurons:
            yield from _wrapped(f"chip     {part.build.part.name}: {part.occupancy.text()}")


def _reading_lines(imported: NirImport | None) -> Iterator[str]:
    """How a NIR file was understood: every option by who said so, and what looks like a mistake."""
    if imported is None or imported.reading is None:
        return
    record = imported.reading.record()
    for source in dict.fromkeys(item["source"] for item in record.values()):
        options = ", ".join(f"{name}={item['value']}" for name, item in record.items() if item["source"] == source)
        yield from _wrapped(f"reading  {source}: {options}")
    for lint in imported.lints:
        yield from _wrapped(f"note     {f'{lint.node}: ' if lint.node else ''}{lint.text}")


def _energy_lines(report: Report) -> Iterator[str]:
    energies = [part.energy for part in report.parts if part.energy is not None]
    if not energies:
        yield f"energy   profile {report.profile} has no prices for these events"
        return
    twin = sum((energy.dense_twin_pj for energy in energies), Fraction(0))
    analytic = sum((energy.analytic_pj for energy in energies), Fraction(0))
    simulated = sum((energy.simulated_pj for energy in energies), Fraction(0))
    yield f"energy   dense twin {energy_text(twin)}, formula {energy_text(analytic)}, counted {energy_text(simulated)}"
    causes: dict[str, Fraction] = {}
    for energy in energies:
        for name, pj in energy.causes.items():
            causes[name] = causes.get(name, Fraction(0)) + pj
    largest = sorted(causes.items(), key=lambda item: -abs(item[1]))
    parts = [f"{name.replace('_', ' ')} {'+' if pj > 0 else ''}{energy_text(pj)}" for name, pj in largest]
    why = f"why      counted - formula = {energy_text(simulated - analytic)} = {'; '.join(parts)}"
    yield from _wrapped(why)


def _metric_lines(metrics: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    if not metrics:
        return
    source, compiled = metrics["source"], metrics["compiled"]
    pairs = [f"{name} {source[name]:.1f} -> {compiled[name]:.1f}" for name in source]
    task = f"task     source -> compiled, whole test set: {', '.join(pairs)}"
    yield from _wrapped(task)


def _wrapped(text: str) -> list[str]:
    """A line that may be longer than the screen; what follows its label is aligned."""
    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * 9, break_on_hyphens=False, break_long_words=False)
