"""What quantisation does to spikes: how many it keeps, loses and adds. Silence in both is no merit, so it does not count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.trace import Trace


@dataclass(frozen=True)
class SpikeMatch:
    """Spikes of two runs of the same population, matched by sample, step and neuron; batches and layers add up."""

    kept: int = 0
    """In the floats and in the integers."""
    lost: int = 0
    """In the floats alone."""
    added: int = 0
    """In the integers alone."""

    def __add__(self, other: SpikeMatch) -> SpikeMatch:
        return SpikeMatch(self.kept + other.kept, self.lost + other.lost, self.added + other.added)

    @property
    def f1(self) -> float:
        """2 kept / (2 kept + lost + added), 0..1; 1 where neither run has a spike."""
        either = 2 * self.kept + self.lost + self.added
        return 2 * self.kept / either if either else 1.0

    def plain(self) -> dict[str, float]:
        """As JSON content."""
        return {"kept": self.kept, "lost": self.lost, "added": self.added, "f1": self.f1}

    def text(self) -> str:
        """The match in one sentence."""
        total = self.kept + self.lost
        return f"{self.kept:,} of {total:,} spikes kept, {self.lost:,} lost, {self.added:,} added (F1 {self.f1:.4f})"


def match_spikes(floating: Trace, integer: Trace) -> dict[str, SpikeMatch]:
    """Population that spikes in both runs -> its match, over all neurons, steps and samples."""
    shared = [name for name in integer.spikes if name in floating.spikes]
    return {name: _match(floating.spikes[name], integer.spikes[name]) for name in shared}


def total(matches: Iterable[SpikeMatch]) -> SpikeMatch:
    """The sum."""
    return sum(matches, SpikeMatch())


def added_up(first: Mapping[str, SpikeMatch], second: Mapping[str, SpikeMatch]) -> dict[str, SpikeMatch]:
    """The matches of two batches together, by population."""
    return {name: first.get(name, SpikeMatch()) + match for name, match in second.items()}


def _match(floating: Any, integer: Any) -> SpikeMatch:
    """Of two arrays of spikes, or of numbers of spikes."""
    first, second = np.asarray(floating), np.asarray(integer)
    kept = int(np.minimum(first, second).sum(dtype=np.int64))
    return SpikeMatch(kept, int(first.sum(dtype=np.int64)) - kept, int(second.sum(dtype=np.int64)) - kept)
