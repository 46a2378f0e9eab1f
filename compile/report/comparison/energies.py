"""The energies in report.json: the one place that knows how they are called there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compile.report.comparison.fact import Fact, Facts
from compile.report.comparison.json_value import JsonValue

NAMES: Mapping[str, str] = {
    "counted energy": "counted_pj",
    "formula": "formula_pj",
    "dense twin at E_MAC": "dense_twin_pj",
}
"""As it is called here -> in report.json."""


def inference_energies(report: JsonValue) -> Facts:
    """Of one inference: events and dense twin at the prices of the run's own profile, the formula at the first that know it."""
    tables = report["energy"]["tables"].entries()
    own = tables[0] if tables else None
    formulas = [table for table in tables if table.maybe("formula") is not None]
    stated = [("counted energy", own, "network"), ("dense twin", own, "dense")]
    stated += [(f"formula at {table['prices'].text()}", table, "formula") for table in formulas[:1]]
    return {name: Fact(_known(table, bill), "pJ") for name, table, bill in stated}


def _known(table: JsonValue | None, bill: str) -> float | None:
    stated = None if table is None else table.maybe(bill)
    energy = None if stated is None else stated.maybe("energy")
    return None if energy is None else energy["value"].number()


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
