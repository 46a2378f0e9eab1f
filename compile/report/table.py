"""
The table of the report: one line per layer, or per module where there are many layers, and one for each part.

A column has one unit. Where the screen is too narrow, the least telling columns are left out, and named below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from compile.command.screen import Screen
from compile.energy import EnergyReport
from compile.measure.layers import LayerSummary
from compile.measure.spike_match import SpikeMatch, total
from compile.report.report import PartReport
from compile.report.units import energy_unit, in_unit
from ir.errors import printable

NAME = 26
"""Characters that a name gets before columns do."""
GAP = "  "
EXACT = "exact"


@dataclass(frozen=True)
class TableLine:
    """One line; None where nothing is known."""

    name: str
    neurons: int | None = None
    added_neurons: int | None = None
    synapses: int | None = None
    added_synapses: int | None = None
    rate: float | None = None
    match: SpikeMatch | None = None
    formula_pj: Fraction | None = None
    counted_pj: Fraction | None = None
    classes: str = ""
    rounding: tuple[str, ...] = ()
    """Of each layer, what keeps its integers from being exact, and the bits that its weights use; `exact` where nothing does."""

    @property
    def integers(self) -> str:
        """The rounding of one layer; of several, how many are exact."""
        if len(self.rounding) <= 1:
            return "".join(self.rounding) or "-"
        return f"{self.rounding.count(EXACT)}/{len(self.rounding)} exact"

    def label(self, width: int) -> str:
        """The name with as many of its classes as fit, the last ones first, else as much of the name as fits."""
        classes = self.classes.split(", ") if self.classes else []
        choices = (classes, classes[-2:], classes[-2:-1], classes[-1:])
        labels = (printable(f"{self.name} ({', '.join(choice)})") for choice in choices if choice)
        return next((label for label in labels if len(label) <= width), shortened(printable(self.name), width))


@dataclass(frozen=True)
class Column:
    """One column behind the names."""

    head: str
    cell: Callable[[TableLine], str]
    importance: int
    """Columns of little importance go first."""
    about: str = ""
    """What its head does not say where it stands alone."""


def table_lines(parts: Sequence[PartReport], by_module: bool, screen: Screen) -> Iterator[str]:
    """The head, and the lines of every part: its layers, or the modules that they belong to; what the host costs; the sum."""
    lines = [line for part in parts for line in _part_lines(part, by_module)]
    everything = list(_columns(lines))
    columns = list(everything)
    least = min(NAME, max(len(line.label(NAME)) for line in lines))
    while len(columns) > 1 and _width(columns, lines) + least > screen.width:
        columns.remove(min(columns, key=lambda column: column.importance))
    longest = max(len(line.label(screen.width)) for line in lines)
    names = max(least, min(longest, screen.width - _width(columns, lines)))
    widths = [_column_width(column, lines) for column in columns]
    heads = "".join(f"{GAP}{column.head:>{width}}" for column, width in zip(columns, widths, strict=True))
    yield screen.paint(f"{'layer':<{names}}{heads}", "head")
    for line in lines:
        cells = "".join(f"{GAP}{column.cell(line):>{width}}" for column, width in zip(columns, widths, strict=True))
        yield f"{line.label(names):<{names}}{cells}"
    left_out = [f"{column.head}{column.about}" for column in everything if column not in columns]
    if left_out:
        yield from screen.wrapped(f"         ({', '.join(left_out)}: with more width)")


def shortened(name: str, width: int) -> str:
    """A name that fits; of one that is too long the end is shown, behind its indentation."""
    if len(name) <= width:
        return name
    indent = name[: len(name) - len(name.lstrip())]
    return f"{indent}…{name[len(name) - (width - len(indent) - 1) :]}"


def _columns(lines: Sequence[TableLine]) -> Iterator[Column]:
    """All columns, from left to right."""
    unit = energy_unit([pj for line in lines for pj in (line.formula_pj, line.counted_pj)])
    yield Column("neurons", lambda line: _count(line.neurons), 7)
    yield Column("+ added", lambda line: _count(line.added_neurons), 3, " neurons")
    yield Column("synapses", lambda line: _count(line.synapses), 4)
    yield Column("+ added", lambda line: _count(line.added_synapses), 0, " synapses")
    yield Column("rate %", lambda line: "-" if line.rate is None else f"{100 * line.rate:.1f}", 6)
    yield Column("kept", lambda line: "-" if line.match is None else f"{line.match.kept:,}", 1)
    yield Column("lost", lambda line: "-" if line.match is None else f"{line.match.lost:,}", 8)
    yield Column("added", lambda line: "-" if line.match is None else f"{line.match.added:,}", 8)
    yield Column("F1", lambda line: "-" if line.match is None else f"{line.match.f1:.4f}", 2)
    if any(line.rounding for line in lines):
        yield Column("integers", lambda line: line.integers, 2, ", what limits them")
    yield Column(f"formula {unit}", lambda line: in_unit(line.formula_pj, unit), 5)
    yield Column(f"counted {unit}", lambda line: in_unit(line.counted_pj, unit), 9)


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _column_width(column: Column, lines: Sequence[TableLine]) -> int:
    return max(len(column.head), *(len(column.cell(line)) for line in lines))


def _width(columns: Sequence[Column], lines: Sequence[TableLine]) -> int:
    return sum(len(GAP) + _column_width(column, lines) for column in columns)


def _part_lines(part: PartReport, by_module: bool) -> Iterator[TableLine]:
    layers = [_layer_line(part, layer) for layer in part.layers]
    yield from _module_lines(part.layers, layers) if by_module else layers
    host = _host_pj(part.energy)
    if host:
        yield TableLine("  on the host", formula_pj=host)
    if part.crossing.energy_pj and part.energy:
        yield TableLine("  between host and chip", counted_pj=part.crossing.energy_pj)
    yield _sum_line(part.build.part.name.upper(), layers, part.energy)


def _layer_line(part: PartReport, layer: LayerSummary) -> TableLine:
    """A layer with the energies of everything that feeds it."""
    modules = [module for module in part.energy.layers if module.layer == layer.name] if part.energy else None
    return TableLine(
        f"  {layer.module or layer.name}",
        layer.neurons,
        layer.added_neurons,
        layer.synapses,
        layer.added_synapses,
        layer.rate,
        part.run.matches.get(layer.name),
        None if modules is None else sum((module.formula_pj for module in modules), Fraction(0)),
        None if modules is None else sum((module.counted_pj for module in modules), Fraction(0)),
        layer.classes,
        _rounding(part, layer),
    )


def _rounding(part: PartReport, layer: LayerSummary) -> tuple[str, ...]:
    """What limits the integers of a layer, where there are any."""
    quantization = part.build.deployment.quantization
    populations = quantization.layers if quantization is not None else ()
    return tuple(
        f"{each.limit} {each.bits}b" if each.limit else EXACT for each in populations if each.name == layer.name
    )


def _module_lines(layers: Sequence[LayerSummary], lines: Sequence[TableLine]) -> list[TableLine]:
    """One line for the layers of the same parent module."""
    groups: dict[str, list[TableLine]] = {}
    for layer, line in zip(layers, lines, strict=True):
        groups.setdefault(layer.module.rpartition(".")[0] or layer.module, []).append(line)
    return [_merged(f"  {name}", group) for name, group in groups.items()]


def _merged(name: str, lines: Sequence[TableLine]) -> TableLine:
    """Counts, spikes and energies added up, rates averaged over neurons."""
    matches = [line.match for line in lines if line.match is not None]
    return TableLine(
        name,
        sum(line.neurons or 0 for line in lines),
        sum(line.added_neurons or 0 for line in lines),
        sum(line.synapses or 0 for line in lines),
        sum(line.added_synapses or 0 for line in lines),
        _mean([(line.rate or 0.0, line.neurons or 0) for line in lines]),
        total(matches) if matches else None,
        _sum([line.formula_pj for line in lines]),
        _sum([line.counted_pj for line in lines]),
        rounding=tuple(rounding for line in lines for rounding in line.rounding),
    )


def _sum_line(name: str, lines: Sequence[TableLine], energy: EnergyReport | None) -> TableLine:
    """The whole part; its energies hold what no layer stands for, too."""
    line = _merged(name, lines)
    analytic, simulated = (energy.formula_pj, energy.counted_pj) if energy else (None, None)
    counts = (line.neurons, line.added_neurons, line.synapses, line.added_synapses)
    return TableLine(name, *counts, line.rate, line.match, analytic, simulated, rounding=line.rounding)


def _mean(weighted: Sequence[tuple[float, int]]) -> float | None:
    weight = sum(neurons for _, neurons in weighted)
    return sum(value * neurons for value, neurons in weighted) / weight if weight else None


def _sum(energies: Sequence[Fraction | None]) -> Fraction | None:
    stated = [energy for energy in energies if energy is not None]
    return sum(stated, Fraction(0)) if stated else None


def _host_pj(energy: EnergyReport | None) -> Fraction:
    """What the formula charges for layers that run on the host."""
    host = [module.formula_pj for module in energy.layers if not module.layer] if energy else []
    return sum(host, Fraction(0))
