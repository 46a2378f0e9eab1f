"""The layers of a part, one row each: what they do, fire, lose to the integers, cost and take of the chip."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from compile.report.page.tables import Cell, PageTable, counted, share
from compile.report.report import PartReport
from compile.report.units import PJ, energy_unit

HEAD = ("layer", "modules", "value", "neurons", "added", "synapses", "added", "fires", "kept", "lost", "added", "F1")
TAIL = ("integers", "cores")


def layer_table(part: PartReport, name: str) -> PageTable:
    """Rows in order; energies by model take turns."""
    chip, quantization = part.build.deployment.chip, part.build.deployment.quantization
    exact = {each.name: each for each in quantization.layers} if quantization is not None else {}
    cores = {each.layer: each.cores for each in part.occupancy.layers}
    models = _energies(part)
    unit = energy_unit([pj for own in models.values() for pj in own.values()])
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
                *(_energy(own.get(layer.name, Fraction(0)), unit, model) for model, own in models.items()),
                Cell("-" if integers is None else "exact" if integers.exact else integers.limit),
                counted(cores.get(layer.name)),
            ]
        )
    energies = [Cell(f"{name}, {unit}", choice=name) for name in models]
    head = [*map(Cell, HEAD), *energies, *map(Cell, TAIL)]
    return PageTable(name, head, rows, [*models])


def _energies(part: PartReport) -> Mapping[str, Mapping[str, Fraction]]:
    """Energy model -> layer -> energy per sample."""
    if part.energy is None:
        return {}
    models: dict[str, dict[str, Fraction]] = {"counted": {}, "formula": {}, "dense twin at E_MAC": {}}
    for own in part.energy.layers:
        for name, pj in zip(models, (own.counted_pj, own.formula_pj, own.dense_twin_pj), strict=True):
            models[name][own.layer] = models[name].get(own.layer, Fraction(0)) + pj
    return models


def _energy(pj: Fraction, unit: str, choice: str) -> Cell:
    value = float(pj / PJ[unit])
    return Cell(f"{value:.4g}", value, choice)
