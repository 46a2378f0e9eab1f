"""What a run yields: outputs, the spikes and payloads that were asked for, the counted events. The engines agree on all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from ir.analysis.ranges import emitted_magnitude, fits_uint8
from ir.errors import first_names
from ir.graph import Graph, Node
from ir.types import Type

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Events:
    """Events inside the samples' windows, summed over all samples and steps of a run (fill and drain steps do not count)."""

    samples: int
    steps: int | Fraction
    """T; the mean over the samples where their windows differ."""
    spikes: Mapping[str, int] = field(default_factory=dict[str, int])
    """Input or population -> spikes (non-zero payloads) emitted, before fan-out."""
    synaptic: Mapping[str, int] = field(default_factory=dict[str, int])
    """Projection -> synaptic events, active presynaptic elements x fan-out (padding and pruning apart, a zero weight counts: its
    synapse is stored)."""
    updates: Mapping[str, int] = field(default_factory=dict[str, int])
    """Population -> neuron updates (neurons x steps x samples, x micro-steps where it has them)."""

    def __add__(self, other: Events) -> Events:
        """The events of two batches of the same network, whose windows may differ in length."""
        sums = (_sums(getattr(self, kind), getattr(other, kind)) for kind in KINDS)
        samples = self.samples + other.samples
        steps = Fraction(self.steps * self.samples + other.steps * other.samples) / samples
        return Events(samples, steps if steps.denominator > 1 else int(steps), *sums)

    def renamed(self, names: Mapping[str, str]) -> Events:
        """The same events, with other names for some values."""
        tables = ({names.get(k, k): v for k, v in getattr(self, kind).items()} for kind in KINDS)
        return Events(self.samples, self.steps, *tables)

    def followed_by(self, other: Events) -> Events:
        """These and those of another phase, on the same samples; no value is in both."""
        assert self.samples == other.samples
        both = ({**getattr(self, kind), **getattr(other, kind)} for kind in KINDS)
        return Events(self.samples, max(self.steps, other.steps), *both)


KINDS = ("spikes", "synaptic", "updates")


def _sums(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    return {name: count + second[name] for name, count in first.items()}


@dataclass(frozen=True)
class Crossing:
    """A value that passes between host and chip in the window of one phase, in one direction."""

    phase: int
    """The number of the phase, from 1."""
    to: str
    """`chip` or `host`."""
    value: str
    """Chip input or population, by its name among all phases; a probe of this name returns what passes."""
    first: int
    """The step in which the first of it passes, counted from the first step of the first phase."""
    steps: int
    """In how many steps it passes, from there on: T of the phase; 0 where that takes any number."""
    events: int
    """Spikes and non-zero payloads, summed over all samples."""
    bits: int
    """Of payload in all of them; a spike has none."""


@dataclass(frozen=True)
class Trace:
    """The result of a run."""

    outputs: Mapping[str, Array]
    """Output name -> array (T, B, *shape), or (B, *shape) where the output is static over the window. From an engine as
    `trace_dtype` says; from a `Program`, which finishes them on the host, float32."""
    spikes: Mapping[str, Array]
    """Probed population that spikes -> uint8 array (T, B, *shape); whole numbers of another dtype where neurons fire several
    times a step."""
    events: Events
    payloads: Mapping[str, Array] = field(default_factory=dict[str, Array])
    """Probed population that emits payloads, as membranes -> array (T, B, *shape): int32, or the source's dtype for real ones."""
    scales: Mapping[str, float] = field(default_factory=dict[str, float])
    """Probed population that emits payloads -> real value of one integer of it; only a `Program` knows it."""
    crossings: tuple[Crossing, ...] = ()
    """What passed between host and chip, in the order of time; only a `Program` knows it."""
    fed: Mapping[str, Array] = field(default_factory=dict[str, Array])
    """Chip input -> array (T, B, *shape) that the host handed to it, in whatever phase; only a `Program` knows it."""

    @staticmethod
    def of(chip: Graph, outputs: Mapping[str, Array], emissions: Mapping[str, Array], events: Events) -> Trace:
        """A trace of what probed populations (or inputs) of a chip graph emitted, spikes and payloads told apart by type."""
        spiking = {name for name in emissions if _spikes(chip.nodes[name])}
        spikes = {name: array for name, array in emissions.items() if name in spiking}
        return Trace(outputs, spikes, events, {name: a for name, a in emissions.items() if name not in spiking})

    @property
    def emissions(self) -> dict[str, Array]:
        """What every probed population emitted: spikes and payloads together."""
        return {**self.spikes, **self.payloads}

    def renamed(self, names: Mapping[str, str]) -> Trace:
        """The same trace, with other names for some populations."""
        if not names:
            return self
        tables = (self.spikes, self.payloads, self.fed)
        spikes, payloads, fed = ({names.get(k, k): v for k, v in table.items()} for table in tables)
        return replace(self, spikes=spikes, payloads=payloads, events=self.events.renamed(names), fed=fed)

    def followed_by(self, other: Trace) -> Trace:
        """What happened in this phase and in a later one, whose outputs these are; no population is in both."""
        spikes, payloads = {**self.spikes, **other.spikes}, {**self.payloads, **other.payloads}
        events, fed = self.events.followed_by(other.events), {**self.fed, **other.fed}
        return replace(other, spikes=spikes, payloads=payloads, events=events, fed=fed)

    def __repr__(self) -> str:
        """Three lines: sizes, outputs, probes."""
        arrays = {"outputs": self.outputs, "spikes": self.spikes, "payloads": self.payloads}
        shown = {kind: _shapes(table) for kind, table in arrays.items() if table}
        probes = ", ".join(f"{kind} {text}" for kind, text in shown.items() if kind != "outputs")
        sizes = f"{self.events.steps} steps, {self.events.samples} samples, {sum(self.events.spikes.values()):,} spikes"
        return f"Trace: {sizes}\n  outputs {shown.get('outputs', '-')}\n  probes  {probes or '-'}"


def _spikes(node: Node) -> bool:
    """Whether a population emits spikes, or how many of them, rather than payloads."""
    return node.type.domain.kind in ("spike", "count") or getattr(node.op, "max_spikes", 1) != 1


def trace_dtype(graph: Graph, type_: Type) -> Any:
    """The dtype in which an engine hands over a value: uint8 for spikes and sums of them that fit, else int32 or the source's."""
    if type_.domain.kind in ("spike", "count") and fits_uint8(emitted_magnitude(type_)):
        return np.uint8
    return np.int32 if graph.is_integer else np.dtype(graph.dtype).type


SHOWN = 3
"""Arrays that a trace's text names one by one."""


def _shapes(arrays: Mapping[str, Array]) -> str:
    """The first names with their shapes, and how many more there are."""
    return first_names([f"{name} {tuple(array.shape)}" for name, array in arrays.items()], SHOWN)


class Engine(Protocol):
    """Runs the chip part of a network."""

    def describe(self) -> str:
        """What runs the network, in a few words for the report."""
        ...

    def run(self, inputs: Mapping[str, Array], probes: tuple[str, ...] = ()) -> Trace:
        """
        Run samples from zero state.

        Args:
            inputs: chip input -> array (T, B, *shape); integers (the payloads) for an integer network.
            probes: names of populations (or inputs) whose spikes to return.
        """
        ...
