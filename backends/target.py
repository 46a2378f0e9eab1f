"""
What a target is: data and functions.

Whoever needs to know something about the target that a user chose (command line, pipeline, run, benchmark) reads it here; nobody
compares names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backends.host import HostEngine
from backends.trace import Array, Engine
from ir.errors import Violation
from ir.graph import Graph
from ir.pipeline import Pass
from ir.profile import Profile


@dataclass(frozen=True)
class Twin:
    """The engine that a target's runs are compared with."""

    title: str
    """What it is, in words."""
    engine: Callable[[Graph], Engine]
    samples: int | None
    """How many samples it is asked at most, where it is slow; None for all of a run."""
    sums_alike: bool
    """Whether real numbers are added up in the same order; otherwise only spikes are compared exactly where the chip is real."""


@dataclass(frozen=True)
class Target:
    """One place where networks run."""

    name: str
    title: str
    """What it is, in words."""
    profile: str
    """The hardware profile that it takes by default."""
    passes: tuple[Pass, ...]
    """How a network gets there."""
    check: Callable[[Graph, Profile], Sequence[Violation]]
    """Everything in which it cannot run a finished chip graph."""
    engine: Callable[[Graph, Profile], Engine]
    """What runs a finished chip graph."""
    twin: Twin
    require: Callable[[], None] = lambda: None
    """Raises CompileError where this machine cannot run it at all."""
    steps_alone: Callable[[Engine, Mapping[str, Array]], float] | None = None
    """Seconds of a run's steps on chip inputs, without starting and ending what they run in; None where a run is its steps."""

    def engine_of(self, chip: Graph, profile: Profile) -> Engine:
        """What runs a chip graph; nothing where the host does everything."""
        return self.engine(chip, profile) if chip.nodes else HostEngine()

    def twin_of(self, chip: Graph) -> Engine:
        """What its runs of a chip graph are compared with."""
        return self.twin.engine(chip) if chip.nodes else HostEngine()
