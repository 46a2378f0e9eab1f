"""A hardware profile as JSON content and back, with its exact numbers; of its file the name alone."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from ir.profile import Profile, Quantity
from ir.profile.quantity import NUMBERS, TEXTS


def profile_content(profile: Profile) -> dict[str, Any]:
    """A profile as JSON content."""
    tables = {
        name: {key: _quantity_content(quantity) for key, quantity in table.items()}
        for name, table in profile.tables.items()
    }
    return {"name": profile.name, "title": profile.title, "file": Path(profile.file).name, "tables": tables}


def profile_of(content: Mapping[str, Any]) -> Profile:
    """The profile that `profile_content` told."""
    tables = {name: {key: _quantity(own) for key, own in table.items()} for name, table in content["tables"].items()}
    return Profile(content["name"], content["title"], content["file"], tables)


def _quantity_content(quantity: Quantity) -> dict[str, Any]:
    plain = quantity.plain()
    exact = {key: getattr(quantity, key) for key in NUMBERS if key in plain}
    return {**plain, **{key: str(number) if isinstance(number, Fraction) else number for key, number in exact.items()}}


def _quantity(content: Mapping[str, Any]) -> Quantity:
    given: dict[str, Any] = {key: str(content.get(key, "")) for key in TEXTS}
    for key in (key for key in NUMBERS if key in content):
        given[key] = Fraction(content[key]) if isinstance(content[key], str) else content[key]
    return Quantity(**given)
