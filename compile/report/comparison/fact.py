"""What a run's report says, one thing at a time, and how it is shown: a number with its unit, or a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from compile.report.units import PJ

UNKNOWN, SHARE = "-", "share"
UNITS: Mapping[str, Mapping[str, float]] = {
    "pJ": PJ,
    "ns": {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9},
    SHARE: {"%": 0.01},
    "/s": {"/s": 1},
    "": {"": 1},
}
"""Unit in report.json -> those in which it is shown, from the smallest, and what one of them is."""


@dataclass(frozen=True)
class Fact:
    """One thing."""

    value: str | float | None
    """None where the run does not know it."""
    unit: str = ""
    """One of UNITS."""

    @property
    def number(self) -> float | None:
        """The value, where it is a number."""
        return None if isinstance(self.value, str) else self.value

    def text(self, unit: str) -> str:
        """The value in a unit, without the unit."""
        if self.value is None:
            return UNKNOWN
        return self.value if isinstance(self.value, str) else shown(self.value, UNITS[self.unit][unit])

    def alone(self) -> str:
        """The value with the unit that fits it."""
        unit = fitting_unit([self])
        return f"{self.text(unit)} {unit}".rstrip() if self.number is not None else self.text(unit)


NOTHING = Fact(None)
Facts = Mapping[str, Fact]
"""Name -> what it is."""


def is_same(one: Fact, other: Fact) -> bool:
    """Whether two facts say the same, be it not a number."""
    return one.value == other.value or (one.value != one.value and other.value != other.value)


def plain_name(name: str, facts: Iterable[Fact]) -> str:
    """A name with the unit of the numbers, as programs get them; shares are of 1."""
    unit = next((fact.unit for fact in facts if fact.unit not in ("", SHARE)), "")
    return f"{name} {unit}".rstrip()


def fitting_unit(facts: Iterable[Fact]) -> str:
    """The unit in which the largest of some facts of one kind is a number below 1000, and the others go along."""
    known = [fact for fact in facts if fact.number is not None]
    choices = UNITS[known[0].unit] if known else UNITS[""]
    largest = max((abs(fact.number or 0) for fact in known), default=0)
    return next((unit for unit, size in choices.items() if largest < 1000 * size), [*choices][-1])


def shown(value: float, size: float = 1) -> str:
    """A count in full, any other number with four digits; `size` is what one of its unit is."""
    if isinstance(value, int) and size == 1:
        return f"{value:,}"
    number = value / size
    return f"{number:,.0f}" if abs(number) >= 9999.5 else f"{number:.4g}"
