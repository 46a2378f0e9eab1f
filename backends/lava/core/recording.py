"""What a run records of its emissions, in shared memory, and how many samples it computes side by side for that."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from backends.inputs import check_probes
from backends.lava.core.contracted_gates import ContractedEmission, Emission, contracted_gates
from backends.lava.events import counted_as_one, delayed_sources
from backends.lava.runtime.shared_memory import shared_array
from backends.lava.timing import Timing, Windows
from backends.trace import trace_dtype
from ir.analysis.fan_in import populations
from ir.graph import Array, Graph, Node

NEURONS_AT_ONCE = 1 << 21
"""Neurons computed in one step, those of all lanes together: more of them do not run faster, only wait longer."""


@dataclass(frozen=True)
class Recording:
    """Where one emission is recorded, and which steps count: those of the samples' windows."""

    shape: tuple[int, ...]
    """Of one sample's emission."""
    first: int
    """The hardware step at which the first window starts."""
    windows: Windows
    values: Array | None = None
    """(T, samples, *shape), where the values are asked for."""
    activity: Array | None = None
    """How often each element was active, (1, size), or that by the step of the window, (T, size), or of all together, (1, 1)."""
    elements: Array | None = None
    """Which elements, flat, the emission is of; None for all. Several processes may record theirs in the same memory."""

    @property
    def names_elements(self) -> bool:
        """Whether anything is recorded of single elements."""
        return self.values is not None or (self.activity is not None and self.activity.size != 1)

    def record(self, step: int, emission: Emission) -> None:
        """Take the emission (1, lanes, *shape) of hardware step `step`, if it lies inside the windows."""
        local = step - self.first
        if not 0 <= local < self.windows.total:
            return
        at, samples = self.windows.at(local)
        lanes = samples.stop - samples.start
        if isinstance(emission, ContractedEmission):
            if self.activity is not None:
                self.activity[0] += emission.active(lanes)
            return
        emitted = emission[0, :lanes]
        own = slice(None) if self.elements is None else self.elements
        if self.values is not None:
            self.values[at, samples].reshape(lanes, -1)[:, own] = emitted.reshape(lanes, -1)
        if self.activity is not None:
            row = self.activity[at % len(self.activity)]
            row[own] += active_elements(emitted, len(row))


def active_elements(emitted: Array, elements: int) -> Array | int:
    """How many samples each element is active in, emitted (samples, *shape); their sum where one element is asked for."""
    active = emitted != 0
    if elements == 1:
        return int(np.count_nonzero(active))
    return active.reshape(-1) if len(active) == 1 else np.count_nonzero(active, axis=0).reshape(-1)


def recordings_of(
    chip: Graph, timing: Timing, probes: Collection[str], one_by_one: bool = False
) -> dict[str, Recording]:
    """
    Shared memory for every population's activity, the probed spikes and the outputs ("output " + name).

    With `one_by_one` no population is counted as one, so that several processes can count their elements.
    """
    check_probes(chip, probes, "lava.probe")
    windows, delayed, as_one = timing.windows, delayed_sources(chip), counted_as_one(chip)
    recordings: dict[str, Recording] = {}
    for node in populations(chip):
        name, type_ = node.name, node.type
        values = _values(chip, windows, name) if name in probes else None
        rows = windows.steps if name in delayed else 1
        activity = shared_array((rows, 1 if name in as_one and not one_by_one else type_.size), np.int64)
        recordings[name] = Recording(type_.shape, timing.depth[name], windows, values, activity)
    for name, value in chip.outputs.items():
        shape, values = chip.nodes[value].type.shape, _values(chip, windows, value)
        recordings["output " + name] = Recording(shape, timing.outputs[name], windows, values)
    return recordings


def lanes_of(chip: Graph, samples: int, probes: Collection[str], most: int | None) -> int:
    """Samples side by side, `most` at most or what is worthwhile, in groups of equal size."""
    neurons = sum(node.type.size for node in computed(chip, probes))
    most = most or max(1, NEURONS_AT_ONCE // max(1, neurons))
    return -(-samples // -(-samples // most))


def computed(chip: Graph, probes: Collection[str]) -> list[Node]:
    """The inputs, and the populations that are materialised."""
    contracted = contracted_gates(chip, probes)
    return [node for node in (*chip.inputs, *populations(chip)) if node.name not in contracted]


def _values(chip: Graph, windows: Windows, name: str) -> Array:
    """Memory for the values of all samples."""
    type_ = chip.nodes[name].type
    return shared_array((windows.steps, windows.samples, *type_.shape), trace_dtype(chip, type_))
