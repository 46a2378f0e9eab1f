"""Hardware numbers as data: one TOML file per chip or technology node, every number with unit, source and kind."""

from __future__ import annotations

from hw_profiles.loader import load, names
from ir.target import Arithmetic, Energy, Features, Limits, Profile, Quantity

__all__ = ["Arithmetic", "Energy", "Features", "Limits", "Profile", "Quantity", "load", "names"]
