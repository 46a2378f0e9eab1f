"""The table of the report: one line per layer, or per module where there are many layers, and one for each part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from compile.energy import EnergyReport
from compile.measure.layers import LayerSummary
from compile.report.report import PartReport

NAME_WIDTH = 26
HEAD = (
    f"{'layer':<{NAME_WIDTH}}{'neurons':>10}{'+ added':>10}{'synapses':>15}{'+ added':>10}"
    f"{'rate':>7}{'agree':>8}{'formula':>11}{'counted':>11}"
)


@dataclass(frozen=True)
class TableLine:
    """One line; energies in pJ per sample, None where nothing is known."""

    name: str
    neurons: int
    added_neurons: int
    synapses: int
    added_synapses: int
    rate: float | None
    agreement: float | None
    analytic_pj: Fraction | None
    simulated_pj: Fraction | None

    def text(self, indent: str) -> str:
        """The line under `HEAD`."""
        name = indent + self.name
        name = name if len(name) <= NAME_WIDTH else indent + "…" + self.name[len(indent) + 1 - NAME_WIDTH :]
        counts = f"{self.neurons:>10,}{self.added_neurons:>10,}{self.synapses:>15,}{self.added_synapses:>10,}"
        rate = "-" if self.rate is None else f"{self.rate:.1%}"
        agreement = "-" if self.agreement is None else f"{self.agreement:.2%}"
        energies = f"{energy_text(self.analytic_pj):>11}{energy_text(self.simulated_pj):>11}"
        return f"{name:<{NAME_WIDTH}}{counts}{rate:>7}{agreement:>8}{energies}"


def part_lines(part: PartReport, by_module: bool) -> Iterator[str]:
    """The lines of a part: its layers, or the modules that they belong to; what the host costs; the sum."""
    layers = [_layer_line(part, layer) for layer in part.layers]
    lines = _module_lines(part.layers, layers) if by_module else layers
    yield from (line.text("  ") for line in lines)
    host = _host_pj(part.energy)
    if host:
        yield f"{'  on the host':<86}{energy_text(host):>11}{'-':>11}"
    yield _sum_line(part.build.part.name.upper(), layers, part.energy).text("")


def energy_text(pj: Fraction | None) -> str:
    """An energy with the unit that fits."""
    if pj is None:
        return "-"
    value = float(pj)
    for unit in ("pJ", "nJ", "uJ", "mJ"):
        if abs(value) < 1000 or unit == "mJ":
            break
        value /= 1000
    return f"{value:.3g} {unit}"


def _layer_line(part: PartReport, layer: LayerSummary) -> TableLine:
    """A layer with the energies of everything that feeds it."""
    modules = [module for module in part.energy.layers if module.layer == layer.name] if part.energy else None
    return TableLine(
        layer.module or layer.name,
        layer.neurons,
        layer.added_neurons,
        layer.synapses,
        layer.added_synapses,
        layer.rate,
        part.run.agreement.get(layer.name),
        None if modules is None else sum((module.analytic_pj for module in modules), Fraction(0)),
        None if modules is None else sum((module.simulated_pj for module in modules), Fraction(0)),
    )


def _module_lines(layers: Sequence[LayerSummary], lines: Sequence[TableLine]) -> list[TableLine]:
    """One line for the layers of the same parent module."""
    groups: dict[str, list[TableLine]] = {}
    for layer, line in zip(layers, lines, strict=True):
        groups.setdefault(layer.module.rpartition(".")[0] or layer.module, []).append(line)
    return [_merged(name, group) for name, group in groups.items()]


def _merged(name: str, lines: Sequence[TableLine]) -> TableLine:
    """Counts and energies added up, rates and agreements averaged over neurons."""
    return TableLine(
        name,
        sum(line.neurons for line in lines),
        sum(line.added_neurons for line in lines),
        sum(line.synapses for line in lines),
        sum(line.added_synapses for line in lines),
        _mean([(line.rate or 0.0, line.neurons) for line in lines]),
        _mean([(line.agreement, line.neurons) for line in lines if line.agreement is not None]),
        _sum([line.analytic_pj for line in lines]),
        _sum([line.simulated_pj for line in lines]),
    )


def _sum_line(name: str, lines: Sequence[TableLine], energy: EnergyReport | None) -> TableLine:
    """The whole part; its energies hold what no layer stands for, too."""
    line = _merged(name, lines)
    analytic, simulated = (energy.analytic_pj, energy.simulated_pj) if energy else (None, None)
    counts = (line.neurons, line.added_neurons, line.synapses, line.added_synapses)
    return TableLine(name, *counts, line.rate, line.agreement, analytic, simulated)


def _mean(weighted: Sequence[tuple[float, int]]) -> float | None:
    weight = sum(neurons for _, neurons in weighted)
    return sum(value * neurons for value, neurons in weighted) / weight if weight else None


def _sum(energies: Sequence[Fraction | None]) -> Fraction | None:
    stated = [energy for energy in energies if energy is not None]
    return sum(stated, Fraction(0)) if stated else None


def _host_pj(energy: EnergyReport | None) -> Fraction:
    """What the formula charges for layers that run on the host."""
    host = [module.analytic_pj for module in energy.layers if not module.layer] if energy else []
    return sum(host, Fraction(0))
