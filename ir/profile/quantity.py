"""A number of a profile with its origin: value, unit, who says so, and how it came to be."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

KINDS = ("measured", "estimated", "assumed", "specified")
"""How a number came to be: on silicon, by simulation or fit or derivation, by us, or as a fact of the architecture."""

Number = bool | int | Fraction
NUMBERS, TEXTS = ("value", "low", "high"), ("unit", "kind", "source", "note", "lender")
"""What a quantity consists of."""


@dataclass(frozen=True)
class Quantity:
    """One number with its origin."""

    value: Number
    unit: str
    source: str
    kind: str
    note: str = ""
    lender: str = ""
    """The profile that it was borrowed from, where it is not the chip's own."""
    low: Number | None = None
    """The least that it may be; None where nobody says so."""
    high: Number | None = None
    """The most that it may be."""

    @property
    def bounds(self) -> tuple[Number, Number]:
        """The least and the most that it may be; the value itself where nobody says so."""
        return self.value if self.low is None else self.low, self.value if self.high is None else self.high

    def plain(self) -> dict[str, Any]:
        """The quantity as plain JSON content, empty entries left out."""
        texts = {key: text for key in TEXTS if (text := getattr(self, key))}
        numbers = {key: number for key in NUMBERS if (number := getattr(self, key)) is not None}
        return {
            key: float(entry) if isinstance(entry, Fraction) else entry for key, entry in {**numbers, **texts}.items()
        }


WIDEST = {"bit": 32, "core": 2**16, "message": 2**16, "byte": 2**40}
"""Unit -> the largest number of it that is computed, bits exactly and the rest in time and memory; no chip comes near."""
WIDEST_OF_ALL = 2**53
"""That of every other unit."""


def counted_in(unit: str, least: int = 0, most: int = WIDEST_OF_ALL) -> dict[str, Any]:
    """A field's metadata: its unit, and the least and the largest value that make sense."""
    return {"unit": unit, "least": least, "most": min(most, WIDEST.get(unit, WIDEST_OF_ALL))}
