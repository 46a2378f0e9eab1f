"""Comparisons that can fail: target against reference (exactly), integers against floats (measured)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.trace import Trace


@dataclass(frozen=True)
class Verdict:
    """Two runs of the same network compared spike by spike (and payload by payload), outputs and events included."""

    against: str
    """The other engine, in words."""
    populations: int
    """How many were compared."""
    compared: int
    """Elements of all probed populations over all steps and samples."""
    differing: int
    """How many of them differ."""
    first: str
    """The first difference as "population step sample element"; empty where there is none."""
    events_equal: bool
    """Whether all counts agree."""

    @property
    def passed(self) -> bool:
        """No difference at all."""
        return self.differing == 0 and self.events_equal

    def text(self) -> str:
        """The verdict in one sentence."""
        if self.passed:
            return f"0 of {self.compared:,} values differ in {self.populations} populations, all event counts equal"
        counts = "" if self.events_equal else "; event counts differ"
        return f"{self.differing:,} of {self.compared:,} values DIFFER from the {self.against}, first at {self.first}{counts}"


def compare(against: str, ours: Trace, theirs: Trace) -> Verdict:
    """Compare every probed population and every output of two runs, exactly."""
    pairs = [(name, ours.spikes[name], theirs.spikes[name]) for name in ours.spikes]
    pairs += [(f"output {name}", ours.outputs[name], theirs.outputs[name]) for name in ours.outputs]
    differing, first = 0, ""
    for name, a, b in pairs:
        places = np.argwhere(np.asarray(a) != np.asarray(b)) if a.shape == b.shape else np.zeros((1, a.ndim), int)
        if len(places) and not first:
            first = f"{name} {tuple(int(n) for n in places[0])}"
        differing += len(places)
    compared = sum(a.size for _, a, _ in pairs)
    return Verdict(against, len(ours.spikes), compared, differing, first, ours.events == theirs.events)


def agreement(floating: Trace, integer: Trace) -> dict[str, float]:
    """Spiking population -> share of spikes that integers and floats have in common, over neurons, steps, samples."""
    shared = [name for name in integer.spikes if name in floating.spikes and integer.spikes[name].dtype == np.uint8]
    return {name: float((_fired(floating.spikes[name]) == _fired(integer.spikes[name])).mean()) for name in shared}


def _fired(values: Any) -> Any:
    return np.asarray(values) != 0
