"""
SpikingJelly without the wait: it imports lava-dl's SLAYER for one of its backends, which takes four seconds and prints notes.

Commands import SpikingJelly before a model file does, and SLAYER once somebody asks it for something.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from typing import Any

SPIKINGJELLY, SLAYER = "spikingjelly.activation_based.base", "lava.lib.dl.slayer"


class _OnDemand:
    """SLAYER, imported where something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("lava.lib.dl.slayer"), name)


def import_spikingjelly() -> None:
    """Import SpikingJelly, where it is installed and neither it nor SLAYER is imported yet."""
    if {SPIKINGJELLY, SLAYER} & sys.modules.keys() or find_spec("spikingjelly") is None:
        return
    sys.modules[SLAYER] = None  # pyright: ignore[reportArgumentType]  (Python's own mark of what is not to be found)
    try:
        base: Any = importlib.import_module("spikingjelly.activation_based.base")
    finally:
        del sys.modules[SLAYER]
    if find_spec("lava") is not None:
        base.slayer = _OnDemand()
