"""The energies in report.json: the one place that knows how they are called there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from compile.report.comparison.fact import Fact, Facts
from compile.report.comparison.json_value import JsonValue

NAMES: Mapping[str, str] = {
    "counted energy": "counted_pj",
    "formula": "formula_pj",
    "dense twin": "dense_twin_pj",
}
"""As it is called here -> in report.json."""


BILLS: Mapping[str, str] = {"counted energy": "network", "formula": "formula", "dense twin": "dense"}
"""As it is called here -> its bill in a table of prices."""


def inference_energies(report: JsonValue) -> Facts:
    """Of one inference, at the first prices that know such a thing: those of the run's own profile go first."""
    tables = report["energy"]["tables"].entries()
    return {name: Fact(next(_known(tables, bill), None), "pJ") for name, bill in BILLS.items()}


def _known(tables: Sequence[JsonValue], bill: str) -> Iterator[float]:
    for own in tables:
        stated = own.maybe(bill)
        energy = None if stated is None else stated.maybe("energy")
        if energy is not None:
            yield energy["value"].number()


def part_energies(parts: Sequence[JsonValue]) -> Facts:
    """Of parts together, per sample; unknown where the profile of one of them lacks a price."""
    return {name: Fact(_sum([part.maybe("energy") for part in parts], key), "pJ") for name, key in NAMES.items()}


def layer_energies(part: JsonValue, layer: str) -> Facts:
    """Of what feeds a layer, and of the layer."""
    energy = part.maybe("energy")
    modules = energy["layers"].entries() if energy is not None else ()
    own = [module for module in modules if module["layer"].text() == layer]
    return {name: Fact(_sum(own, key), "pJ") for name, key in NAMES.items()}


def _sum(stated: Sequence[JsonValue | None], key: str) -> float | None:
    known = [energy.maybe(key) for energy in stated if energy is not None]
    numbers = [number.number() for number in known if number is not None]
    return sum(numbers) if numbers and len(numbers) == len(stated) else None
