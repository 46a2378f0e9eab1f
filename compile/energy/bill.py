"""
A bill: how often each thing happened, times what it costs by one profile, with the range of the prices and what is not in it.

    E = sum over prices of count x price

All energy models here are functions that make bills, so that every energy can be followed to a count, a price and the price's
source. A price that nobody published is not 0: what is essential to a model makes its energy unknown, other things are left
out, and the bill says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from ir.profile import Profile, Quantity

ZERO = Fraction(0)


@dataclass(frozen=True)
class EnergyRange:
    """An energy in pJ, and between which bounds the prices let it lie."""

    value: Fraction
    low: Fraction
    high: Fraction

    def __add__(self, other: EnergyRange) -> EnergyRange:
        return EnergyRange(self.value + other.value, self.low + other.low, self.high + other.high)

    def plain(self) -> dict[str, Any]:
        """As JSON content."""
        return {"value": float(self.value), "low": float(self.low), "high": float(self.high), "unit": "pJ"}


@dataclass(frozen=True)
class BillLine:
    """One line of a bill."""

    price: str
    """Key of the profile's table of energies."""
    count: Fraction
    """Per sample, in units of the price."""
    quantity: Quantity | None
    """The price with its origin; None where the profile does not state it."""

    @property
    def energy(self) -> EnergyRange | None:
        """What it comes to; None without a price."""
        if self.quantity is None:
            return None
        value, low, high = (Fraction(number) for number in (self.quantity.value, *self.quantity.bounds))
        return EnergyRange(self.count * value, self.count * low, self.count * high)

    def plain(self) -> dict[str, Any]:
        """As JSON content."""
        price = None if self.quantity is None else self.quantity.plain()
        energy = None if self.energy is None else self.energy.plain()
        return {"name": self.price, "count": float(self.count), "price": price, "energy": energy}


@dataclass(frozen=True)
class Bill:
    """The energy of a sample by one model at the prices of one profile."""

    model: str
    """Which one, in a word."""
    profile: str
    lines: tuple[BillLine, ...]
    essential: frozenset[str] = frozenset()
    """Prices without which the energy says nothing."""
    not_modelled: tuple[str, ...] = ()
    """What costs energy, too, and is no part of the model."""

    def __add__(self, other: Bill) -> Bill:
        """Both together, of one model and profile."""
        counts = {line.price: line for line in self.lines}
        for line in other.lines:
            before = counts.get(line.price)
            counts[line.price] = line if before is None else replace(line, count=before.count + line.count)
        words = tuple(dict.fromkeys((*self.not_modelled, *other.not_modelled)))
        essential = self.essential | other.essential
        return Bill(self.model, self.profile, tuple(counts.values()), essential, words)

    @property
    def unpriced(self) -> tuple[BillLine, ...]:
        """What happened, and has no price."""
        return tuple(line for line in self.lines if line.quantity is None)

    @cached_property
    def energy(self) -> EnergyRange | None:
        """All lines that have a price; None where an essential one has none."""
        if any(line.price in self.essential for line in self.unpriced):
            return None
        return sum((line.energy for line in self.lines if line.energy is not None), EnergyRange(ZERO, ZERO, ZERO))

    @property
    def moves_most(self) -> BillLine | None:
        """The line whose price has the widest range; None where no price has one."""
        widest = max(self.lines, key=_width, default=None)
        return None if widest is None or not _width(widest) else widest

    @property
    def lenders(self) -> tuple[str, ...]:
        """The profiles that its prices were borrowed from."""
        lent = (line.quantity.lender for line in self.lines if line.quantity is not None and line.energy)
        return tuple(dict.fromkeys(lender for lender in lent if lender))

    @property
    def left_out(self) -> tuple[str, ...]:
        """What is not in it, in words: what has no price, then what the model does not know."""
        return (*(f"{line.price} (no price)" for line in self.unpriced), *self.not_modelled)

    def plain(self) -> dict[str, Any]:
        """As JSON content, per sample."""
        widest = self.moves_most
        return {
            "model": self.model,
            "prices": self.profile,
            "energy": None if self.energy is None else self.energy.plain(),
            "lines": [line.plain() for line in self.lines],
            "moves_most": None if widest is None else {"name": widest.price, "by": float(_width(widest)), "unit": "pJ"},
            "borrowed_from": [*self.lenders],
            "left_out": [*self.left_out],
        }


def bill(
    model: str,
    counts: Mapping[str, Fraction | int],
    profile: Profile,
    essential: Collection[str] = (),
    not_modelled: Iterable[str] = (),
) -> Bill:
    """The bill of some counts by price; what did not happen is left out of it."""
    prices = profile.tables.get("energy", {})
    lines = tuple(BillLine(key, Fraction(count), prices.get(key)) for key, count in counts.items() if count)
    return Bill(model, profile.name, lines, frozenset(essential), tuple(not_modelled))


def _width(line: BillLine) -> Fraction:
    return ZERO if line.energy is None else line.energy.high - line.energy.low
