"""The layers of a part, one row each: what they do, fire, lose to the integers, cost and take of the chip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from compile.energy import Bill, PriceTable
from compile.energy.like_for_like import LayerBills
from compile.report.page.tables import Cell, PageTable, counted, share
from compile.report.report import PartReport
from compile.report.units import PJ, energy_unit

HEAD = ("layer", "modules", "value", "neurons", "added", "synapses", "added", "fires", "kept", "lost", "added", "F1")
TAIL = ("integers", "cores")
MODELS: Mapping[str, Callable[[LayerBills], Bill | None]] = {
    "counted": lambda own: own.network,
    "dense twin": lambda own: own.dense,
    "formula": lambda own: own.formula,
}
"""What takes turns at every profile's prices."""


def layer_table(part: PartReport, name: str) -> PageTable:
    """Rows in order; energies by prices and model take turns."""
    chip, quantization = part.build.deployment.chip, part.build.deployment.quantization
    exact = {each.name: each for each in quantization.layers} if quantization is not None else {}
    cores = {each.layer: each.cores for each in part.occupancy.layers}
    choices = {choice: own for table in part.tables for choice, own in _energies(table)}
    rows = list[list[Cell]]()
    for layer in part.layers:
        match, integers = part.run.matches.get(layer.name), exact.get(layer.name)
        numbers = (match.kept, match.lost, match.added) if match else (None, None, None)
        rows.append(
            [
                Cell(layer.module or layer.name),
                Cell(layer.classes),
                Cell(str(chip.nodes[layer.name].type)),
                *map(counted, (layer.neurons, layer.added_neurons, layer.synapses, layer.added_synapses)),
                share(layer.rate),
                *map(counted, numbers),
                Cell(f"{match.f1:.4f}", match.f1) if match else Cell("-"),
                *(own.cell(layer.name, choice) for choice, own in choices.items()),
                Cell("-" if integers is None else "exact" if integers.exact else integers.limit),
                counted(cores.get(layer.name)),
            ]
        )
    energies = [Cell(f"{choice}, {own.unit}", choice=choice) for choice, own in choices.items()]
    head = [*map(Cell, HEAD), *energies, *map(Cell, TAIL)]
    return PageTable(name, head, rows, [*choices])


@dataclass(frozen=True)
class _Column:
    """The energies of all layers by one model at one profile's prices."""

    pj: Mapping[str, Fraction]
    unit: str

    def cell(self, layer: str, choice: str) -> Cell:
        """What a layer costs."""
        value = float(self.pj.get(layer, Fraction(0)) / PJ[self.unit])
        return Cell(f"{value:.4g}", value, choice)


def _energies(table: PriceTable) -> Iterator[tuple[str, _Column]]:
    """`prices: model` and its column, of every model that these prices know."""
    for model, bills in MODELS.items():
        energies = [(own.layer, None if (one := bills(own)) is None else one.energy) for own in table.layers]
        pj = dict[str, Fraction]()
        for layer, energy in energies:
            if energy is not None:
                pj[layer] = pj.get(layer, Fraction(0)) + energy.value
        if pj and all(energy is not None for _, energy in energies):
            yield f"{table.profile}: {model}", _Column(pj, energy_unit([*pj.values()]))
