"""Names that are not taken yet."""

from __future__ import annotations

from collections.abc import Container


def fresh(name: str, taken: Container[str]) -> str:
    """The name, or the first of name_2, name_3 ... that is not in `taken`."""
    unique, copies = name, 1
    while unique in taken:
        copies += 1
        unique = f"{name}_{copies}"
    return unique
