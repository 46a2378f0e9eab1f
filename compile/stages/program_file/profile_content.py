"""A hardware profile as JSON content and back, with its exact numbers; of its file the name alone."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from ir.profile import Profile, Quantity


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
    exact = str(quantity.value) if isinstance(quantity.value, Fraction) else quantity.value
    return {**quantity.plain(), "value": exact}


def _quantity(content: Mapping[str, Any]) -> Quantity:
    value = content["value"]
    texts = {key: str(content.get(key, "")) for key in ("unit", "source", "kind", "note", "lender")}
    return Quantity(Fraction(value) if isinstance(value, str) else value, **texts)
