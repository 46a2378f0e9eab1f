"""The report for the terminal: one screen."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from compile.energy import EnergyReport
from compile.measure.layers import Layer
from compile.measure.run import engine_text
from compile.report.report import PartReport, Report
from frontend.nir.import_nir import NirImport

WIDTH = 112
LAYERS_IN_FULL = 18
"""Up to this many rows, every layer has its own; beyond it the layers of one module share a row."""
HEAD = (
    f"{'layer':<26}{'neurons':>10}{'+ added':>10}{'synapses':>15}{'+ added':>10}"
    f"{'rate':>7}{'agree':>8}{'formula':>11}{'counted':>11}"
)


@dataclass(frozen=True)
class Row:
    """One line of the table; energies in pJ per sample, None where nothing is known."""

    name: str
    neurons: int
    added_neurons: int
    synapses: int
    added_synapses: int
    rate: float | None
    agreement: float | None
    analytic_pj: Fraction | None
    simulated_pj: Fraction | None


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
    grouped = sum(len(part.layers) for part in report.parts) > LAYERS_IN_FULL
    for part in report.parts:
        yield from _part_lines(part, grouped)
    yield from _check_lines(report)
    yield from _chip_lines(report)
    yield from _energy_lines(report)
    yield from _metric_lines(report.metrics)
    if report.files:
        yield f"files    {', '.join(str(path) for path in report.files.values())}"


def _part_lines(part: PartReport, grouped: bool) -> Iterator[str]:
    rows = [_row(part, layer) for layer in part.layers]
    rows = _by_module(part.layers, rows) if grouped else rows
    yield from (_line(row) for row in rows)
    host = _host_energy(part.energy)
    if host:
        yield f"{'  on the host':<86}{_energy(host):>11}{'-':>11}"
    total = _merged(part.build.part.name, [*rows])
    energy = part.energy
    pj = (energy.analytic_pj, energy.simulated_pj) if energy else (None, None)
    yield _line(Row(total.name.upper(), *_counts(total), total.rate, total.agreement, *pj), indent="")


def _row(part: PartReport, layer: Layer) -> Row:
    analytic, simulated = _layer_energy(part.energy, layer.name)
    agreement = part.run.agreement.get(layer.name)
    return Row(
        layer.module or layer.name,
        layer.neurons,
        layer.added_neurons,
        layer.synapses,
        layer.added_synapses,
        layer.rate,
        agreement,
        analytic,
        simulated,
    )


def _layer_energy(energy: EnergyReport | None, layer: str) -> tuple[Fraction | None, Fraction | None]:
    """(formula, counted) of everything that feeds a layer."""
    if energy is None:
        return None, None
    own = [module for module in energy.layers if module.layer == layer]
    zero = Fraction(0)
    return sum((m.analytic_pj for m in own), zero), sum((m.simulated_pj for m in own), zero)


def _host_energy(energy: EnergyReport | None) -> Fraction:
    """What the formula charges for layers that run on the host."""
    own = [module.analytic_pj for module in energy.layers if not module.layer] if energy else []
    return sum(own, Fraction(0))


def _by_module(layers: Sequence[Layer], rows: Sequence[Row]) -> list[Row]:
    """Rows of the same parent module together."""
    groups: dict[str, list[Row]] = {}
    for layer, row in zip(layers, rows, strict=True):
        groups.setdefault(layer.module.rpartition(".")[0] or layer.module, []).append(row)
    return [_merged(name, group) for name, group in groups.items()]


def _merged(name: str, rows: Sequence[Row]) -> Row:
    """Counts and energies added up, rates and agreements averaged over neurons."""
    neurons = sum(row.neurons for row in rows)
    rate = sum((row.rate or 0) * row.neurons for row in rows) / neurons if neurons else None
    known = [row for row in rows if row.agreement is not None]
    weight = sum(row.neurons for row in known)
    agreement = sum((row.agreement or 0) * row.neurons for row in known) / weight if weight else None
    analytic, simulated = (_total([getattr(row, key) for row in rows]) for key in ("analytic_pj", "simulated_pj"))
    added = (
        sum(row.added_neurons for row in rows),
        sum(row.synapses for row in rows),
        sum(row.added_synapses for row in rows),
    )
    return Row(name, neurons, *added, rate, agreement, analytic, simulated)


def _total(values: Sequence[Fraction | None]) -> Fraction | None:
    known = [value for value in values if value is not None]
    return sum(known, Fraction(0)) if known else None


def _counts(row: Row) -> tuple[int, int, int, int]:
    return row.neurons, row.added_neurons, row.synapses, row.added_synapses


def _line(row: Row, indent: str = "  ") -> str:
    name = indent + row.name
    name = name if len(name) <= 26 else indent + "…" + row.name[len(indent) - 25 :]
    share = "-" if row.agreement is None else f"{row.agreement:.2%}"
    rate = "-" if row.rate is None else f"{row.rate:.1%}"
    counts = f"{row.neurons:>10,}{row.added_neurons:>10,}{row.synapses:>15,}{row.added_synapses:>10,}"
    return f"{name:<26}{counts}{rate:>7}{share:>8}{_energy(row.analytic_pj):>11}{_energy(row.simulated_pj):>11}"


def _energy(pj: Fraction | None) -> str:
    """An energy with the unit that fits."""
    if pj is None:
        return "-"
    value = float(pj)
    for unit in ("pJ", "nJ", "uJ", "mJ"):
        if abs(value) < 1000 or unit == "mJ":
            break
        value /= 1000
    return f"{value:.3g} {unit}"


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
        said = ", ".join(f"{name}={item['value']}" for name, item in record.items() if item["source"] == source)
        yield from _wrapped(f"reading  {source}: {said}")
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
    yield f"energy   dense twin {_energy(twin)}, formula {_energy(analytic)}, counted {_energy(simulated)}"
    causes: dict[str, Fraction] = {}
    for energy in energies:
        for name, pj in energy.causes.items():
            causes[name] = causes.get(name, Fraction(0)) + pj
    largest = sorted(causes.items(), key=lambda item: -abs(item[1]))
    parts = [f"{name.replace('_', ' ')} {'+' if pj > 0 else ''}{_energy(pj)}" for name, pj in largest]
    why = f"why      counted - formula = {_energy(simulated - analytic)} = {'; '.join(parts)}"
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
