"""Hardware numbers as data: one TOML file per chip or technology node, every number with unit, source and kind."""

from __future__ import annotations

from hw_profiles.loader import chip, chips, load, names

__all__ = ["chip", "chips", "load", "names"]
