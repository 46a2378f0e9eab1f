"""ArithmeticWork before it has a price: accumulations, and multiplications with accumulation."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ir.profile import Profile


@dataclass(frozen=True)
class ArithmeticWork:
    """Per sample."""

    accumulations: Fraction = Fraction(0)
    multiplications: Fraction = Fraction(0)
    """With their accumulation."""

    def __add__(self, other: ArithmeticWork) -> ArithmeticWork:
        return ArithmeticWork(self.accumulations + other.accumulations, self.multiplications + other.multiplications)

    def by_price(self) -> dict[str, Fraction]:
        """Name of the price -> how often it is paid."""
        return {"e_ac": self.accumulations, "e_mac": self.multiplications}

    def energy_pj(self, profile: Profile) -> Fraction:
        """E_AC accumulations + E_MAC multiplications; CompileError("profile.missing") where the profile states no such prices."""
        return sum((price(profile, key) * count for key, count in self.by_price().items()), Fraction(0))


def price(profile: Profile, key: str) -> Fraction:
    """A price in pJ; CompileError("profile.missing") where the profile states none."""
    return Fraction(profile.quantity("energy", key).value)
