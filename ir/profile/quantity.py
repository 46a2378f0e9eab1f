"""A number of a profile with its origin: value, unit, who says so, and how it came to be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

KINDS = ("measured", "estimated", "assumed", "specified")
"""How a number came to be: on silicon, by simulation or fit or derivation, by us, or as a fact of the architecture."""

Number = bool | int | Fraction


@dataclass(frozen=True)
class Quantity:
    """One number with its origin. `lender` names the profile it was borrowed from, where it is not the chip's own."""

    value: Number
    unit: str
    source: str
    kind: str
    note: str = ""
    lender: str = ""

    def plain(self) -> dict[str, Any]:
        """The quantity as plain JSON content, empty entries left out."""
        value = float(self.value) if isinstance(self.value, Fraction) else self.value
        entries = {
            "unit": self.unit,
            "kind": self.kind,
            "source": self.source,
            "note": self.note,
            "lender": self.lender,
        }
        return {"value": value, **{key: text for key, text in entries.items() if text}}


WIDEST = {"bit": 32}
"""Unit -> the largest number of it that the engines compute exactly; no chip of this kind comes near."""


def counted_in(unit: str, least: int = 0) -> dict[str, Any]:
    """A field's metadata: its unit, and the least and the largest value that make sense."""
    return {"unit": unit, "least": least, "most": WIDEST.get(unit, math.inf)}
