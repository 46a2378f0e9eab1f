"""Energies with units: one that fits a number, one for a whole column, and those that a user may write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

PJ: Mapping[str, int] = {"pJ": 1, "nJ": 10**3, "uJ": 10**6, "mJ": 10**9, "J": 10**12}
"""Unit -> pJ, from the smallest."""
SHOWN = ("pJ", "nJ", "uJ", "mJ")


def energy_unit(energies: Sequence[Fraction | None]) -> str:
    """The unit in which the largest of some energies is a number below 1000, and the others go along."""
    largest = max((abs(pj) for pj in energies if pj is not None), default=Fraction(0))
    return next((unit for unit in SHOWN if largest < 1000 * PJ[unit]), SHOWN[-1])


def in_unit(pj: Fraction | None, unit: str) -> str:
    """An energy as a number of three digits in a unit, without an exponent."""
    if pj is None:
        return "-"
    value = float(pj / PJ[unit])
    if 0 < abs(value) < 0.001:
        return "<0.001"
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def energy_text(pj: Fraction | None) -> str:
    """An energy with the unit that fits."""
    if pj is None:
        return "-"
    unit = energy_unit([pj])
    return f"{float(pj / PJ[unit]):.3g} {unit}"
