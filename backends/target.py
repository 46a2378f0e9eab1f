"""
What a target is: data and functions.

Whoever needs to know something about the target that a user chose (command line, pipeline, run, benchmark) reads it here; nobody
compares names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from backends.host import HostEngine
from backends.trace import Array, Engine
from ir.errors import CompileError, Violation
from ir.graph import Graph
from ir.mapping.core_map import CoreMap
from ir.pipeline.pipeline import Pass
from ir.profile import Profile

EngineMaker = Callable[[Graph, Profile, CoreMap], Engine]
"""What makes the engine of a finished chip graph, and of its map where that is to be run."""


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
    engine: EngineMaker
    """What runs a finished chip graph."""
    twin: Twin
    check: Callable[[Graph, Profile], Sequence[Violation]] = lambda chip, profile: ()
    """Everything in which it cannot run a finished chip graph, whatever the limits of the profile."""
    emissions: Mapping[str, EngineMaker] = field(default_factory=dict[str, EngineMaker])
    """Where a chip graph can become a running network in several ways: name -> its engine; `engine` is the default."""
    require: Callable[[], None] = lambda: None
    """Raises CompileError where this machine cannot run it at all."""
    steps_alone: Callable[[Engine, Mapping[str, Array]], float] | None = None
    """Seconds of a run's steps on chip inputs, without starting and ending what they run in; None where a run is its steps."""
    memory: Callable[[Graph, CoreMap, str | None, int, int, Collection[str]], int] | None = None
    """Bytes that a run takes at the most, of a chip graph, its map, emission, steps, samples, probes; None where it makes do."""

    def engine_of(self, chip: Graph, profile: Profile, cores: CoreMap, emission: str | None = None) -> Engine:
        """
        What runs a chip graph; nothing where the host does everything.

        Args:
            emission: one of `emissions`; None for the default.

        Raises:
            CompileError: the target has no such emission, or that one cannot run the graph.
        """
        make = self.maker_of(emission)
        return make(chip, profile, cores) if chip.nodes else HostEngine()

    def maker_of(self, emission: str | None) -> EngineMaker:
        """What makes the engine of an emission; CompileError where the target has none of that name."""
        if emission is None:
            return self.engine
        if not self.emissions:
            what = f"target {self.name} has no emissions to choose from, as {emission!r}"
            raise CompileError("options.emission", what, hint="leave the emission out")
        if emission not in self.emissions:
            known = ", ".join(self.emissions)
            raise CompileError("options.emission", f"unknown emission {emission!r}", hint=f"known: {known}")
        return self.emissions[emission]

    def twin_of(self, chip: Graph) -> Engine:
        """What its runs of a chip graph are compared with."""
        return self.twin.engine(chip) if chip.nodes else HostEngine()
