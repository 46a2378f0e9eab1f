"""What a loop is made of, as a neuron has it: a membrane, filters before it, currents that it takes at once, an adaptation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from frontend.tracing.written.expressions import Key
from frontend.tracing.written.loops.recognition import Firing, Update, no_neuron
from frontend.tracing.written.loops.rolling import SPIKES, STATE, Afferent

ZERO, ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True)
class Filter:
    """f <- keep f + sum of gain x: a current of a neuron that remembers its inputs."""

    keep: Fraction
    gains: Mapping[Afferent, Fraction]
    factor: Fraction
    """What the membrane takes it by."""
    late: bool
    """Whether the membrane takes the current of the step before."""


@dataclass(frozen=True)
class Adaptation:
    """A threshold is higher by e, which becomes keep (e + jump s) at every step."""

    keep: Fraction
    jump: Fraction
    start: Fraction
    """e before the first step."""
    reset: str
    """Whether a subtracting reset takes the threshold at `rest`, or the `moving` one."""


@dataclass(frozen=True)
class Parts:
    """What a loop is made of, at one neuron."""

    update: Update
    """Of the membrane, with the first of its currents as x."""
    slope: Fraction
    """What is compared is this times the membrane, and a number."""
    firing: Firing
    """Of the membrane."""
    direct: Mapping[Afferent, Fraction]
    """The currents that it takes at once -> what by."""
    filters: tuple[Filter, ...]
    adaptation: Adaptation | None
    taken: Mapping[Afferent, Fraction] = field(default_factory=dict[Afferent, Fraction])
    """What its own spikes take from the next membrane besides the reset, by a weight from each neuron to itself."""
    bias: Fraction = ZERO
    """A current at every step, in front of the gain of the membrane."""

    @property
    def lead(self) -> Fraction:
        """What the membrane takes its first current by."""
        return next(iter(self.direct.values()), self.filters[0].factor if self.filters else ONE)


def check_source(source: Afferent, site: Any) -> None:
    """CompileError for what a neuron of the family does not read."""
    kind, what, lag = source.kind, source.what, source.lag
    if kind == STATE:
        raise no_neuron("reads the membrane of another one, or its own of earlier steps")
    if kind == SPIKES and what == (site,):
        raise no_neuron(f"reads its own spikes of {lag} steps before")
    if lag is not None and lag < 0:
        raise no_neuron("reads a step that is still to come")


def key_of(source: Afferent, step: int) -> Key:
    """What a source is called at a step."""
    return (source.kind, *source.what, None if source.lag is None else step - source.lag)
