"""What a part did over some samples: events of the compiled network, rates of the source."""

from __future__ import annotations

from dataclasses import dataclass

from backends.trace import Events
from compile.energy.formula.rates import Rates


@dataclass(frozen=True)
class Activity:
    """Of the same samples."""

    events: Events
    rates: Rates
    whole: bool = False
    """Whether these are all samples of a test set, on which the metrics are measured, too."""

    @property
    def samples(self) -> str:
        """Which samples, in words."""
        return f"{'the whole test set, ' if self.whole else ''}{self.events.samples:,} samples"
