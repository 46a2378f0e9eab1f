"""The comparison that can fail: a target against its twin, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backends.trace import Trace
from compile.measure.in_pieces.coverage import Coverage


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
    coverage: Coverage | None = None
    """What of the network ran, where it was too large to run whole."""

    @property
    def passed(self) -> bool:
        """No difference at all, in what ran."""
        return self.differing == 0 and self.events_equal

    @property
    def mark(self) -> str:
        """The verdict in a word or two: it passes where all of the network ran."""
        if not self.passed:
            return "FAIL"
        return "PASS" if self.coverage is None else self.coverage.mark

    def joined(self, later: Verdict, offset: int) -> Verdict:
        """This and the verdict of a later batch, whose first sample is number `offset`."""
        first = self.first or (later.first and f"{later.first}, of the batch that begins with sample {offset}")
        compared, differing = self.compared + later.compared, self.differing + later.differing
        equal, populations = self.events_equal and later.events_equal, min(self.populations, later.populations)
        coverage = self.coverage or later.coverage
        if self.coverage and later.coverage:
            coverage = self.coverage.joined(later.coverage)
        return Verdict(self.against, populations, compared, differing, first, equal, coverage)

    def text(self) -> str:
        """The verdict in one sentence."""
        if self.coverage and not self.coverage.pieces:
            return self.coverage.text()
        ran = f"; {self.coverage.text()}" if self.coverage else ""
        if self.passed:
            return (
                f"0 of {self.compared:,} values differ in {self.populations} populations, all event counts equal{ran}"
            )
        counts = "" if self.events_equal else "; event counts differ"
        differ = f"{self.differing:,} of {self.compared:,} values DIFFER from the {self.against}"
        return f"{differ}, first at {self.first}{counts}{ran}"


def compare(against: str, ours: Trace, theirs: Trace) -> Verdict:
    """Compare every probed population and every output of two runs, exactly."""
    emitted, expected = ours.emissions, theirs.emissions
    pairs = [(name, emitted[name], expected[name]) for name in emitted]
    pairs += [(f"output {name}", ours.outputs[name], theirs.outputs[name]) for name in ours.outputs]
    differing, first = 0, ""
    for name, a, b in pairs:
        places = np.argwhere(np.asarray(a) != np.asarray(b)) if a.shape == b.shape else np.zeros((1, a.ndim), int)
        if len(places) and not first:
            first = f"{name} {tuple(int(n) for n in places[0])}"
        differing += len(places)
    compared = sum(a.size for _, a, _ in pairs)
    return Verdict(against, len(emitted), compared, differing, first, ours.events == theirs.events)
