"""
What it costs that values cross between host and chip: crossing_event per spike or payload, crossing_bit per bit of payload.

Nobody has published such prices for Loihi, and a number that is not known is not 0: what crosses is counted in any case, and part
of the counted energy where the profile states all prices that it takes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from backends.trace import Crossing
from compile.energy.formula.arithmetic import price
from ir.profile import Profile


@dataclass(frozen=True)
class CrossingCost:
    """What crosses per sample, in either direction, and its energy."""

    events: Fraction = Fraction(0)
    """Spikes and payloads."""
    bits: Fraction = Fraction(0)
    """Of payload."""
    energy_pj: Fraction | None = Fraction(0)
    """None where the profile lacks a price that this takes."""
    unpriced: tuple[str, ...] = ()
    """These prices."""

    def __add__(self, other: CrossingCost) -> CrossingCost:
        unpriced = tuple(dict.fromkeys((*self.unpriced, *other.unpriced)))
        energy = None if unpriced else self.counted_pj + other.counted_pj
        return CrossingCost(self.events + other.events, self.bits + other.bits, energy, unpriced)

    @property
    def counted_pj(self) -> Fraction:
        """Its part of the counted energy."""
        return self.energy_pj or Fraction(0)

    def by_price(self) -> dict[str, Fraction]:
        """How often each price is to be paid."""
        return {"crossing_event": self.events, "crossing_bit": self.bits}

    def text(self) -> str:
        """How much crosses, in a few words."""
        events = f"{round(self.events):,} events"
        return f"{events} with {round(self.bits):,} bits of payload" if self.bits else events

    def plain(self) -> dict[str, Any]:
        """As JSON content."""
        energy = None if self.energy_pj is None else float(self.energy_pj)
        return {"events": float(self.events), "bits": float(self.bits), "energy_pj": energy}


NOTHING = CrossingCost()


def crossing_cost(crossings: Collection[Crossing], samples: int, profile: Profile) -> CrossingCost:
    """What some crossings cost, of a run of so many samples."""
    events = Fraction(sum(crossing.events for crossing in crossings), max(samples, 1))
    bits = Fraction(sum(crossing.bits for crossing in crossings), max(samples, 1))
    needed = {key: amount for key, amount in CrossingCost(events, bits).by_price().items() if amount}
    unpriced = tuple(key for key in needed if key not in profile.tables.get("energy", {}))
    if unpriced:
        return CrossingCost(events, bits, None, unpriced)
    return CrossingCost(events, bits, sum((price(profile, key) * needed[key] for key in needed), Fraction(0)))
