"""Sizes that must be there for a network to be one."""

from __future__ import annotations


def require_positive(config: object, *names: str) -> None:
    """
    Refuse a record with a size below 1.

    Raises:
        ValueError: for the first of the fields `names` whose number is smaller.
    """
    for name in names:
        if getattr(config, name) < 1:
            raise ValueError(f"{name} = {getattr(config, name)}: at least 1 is needed")
