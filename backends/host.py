"""The engine of a network that leaves nothing to the chip: it has no neurons, so the host computes all of it."""

from __future__ import annotations

from collections.abc import Mapping

from backends.trace import Array, Events, Trace


class HostEngine:
    """Runs an empty chip graph."""

    def describe(self) -> str:
        """What runs, in words."""
        return "nothing on the chip"

    def run(self, inputs: Mapping[str, Array], probes: tuple[str, ...] = ()) -> Trace:
        """An empty trace."""
        return Trace({}, {}, Events(0, 0))
