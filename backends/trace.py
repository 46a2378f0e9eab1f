"""What a run yields: outputs, the spikes that were asked for, the counted events. The engines agree on all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Events:
    """Events inside the samples' windows, summed over all samples and steps of a run (fill and drain steps do not count)."""

    samples: int
    steps: int
    spikes: Mapping[str, int] = field(default_factory=dict[str, int])
    """Input or population -> spikes (non-zero payloads) emitted, before fan-out."""
    synaptic: Mapping[str, int] = field(default_factory=dict[str, int])
    """Projection -> synaptic events, active presynaptic elements x fan-out (padding and pruning apart, a zero weight counts: its
    synapse is stored)."""
    updates: Mapping[str, int] = field(default_factory=dict[str, int])
    """Population -> neuron updates (neurons x steps x samples, x micro-steps where it has them)."""


@dataclass(frozen=True)
class Trace:
    """The result of a run."""

    outputs: Mapping[str, Array]
    """Output name -> array (T, B, *shape), or (B, *shape) where the output is static over the window. From an engine uint8 for
    spikes and counts, int32 for integer payloads; from a `Program`, which finishes them on the host, float32."""
    spikes: Mapping[str, Array]
    """Probed population -> array (T, B, *shape): uint8 for spikes, int32 for integer payloads, the source's dtype for real
    ones."""
    events: Events


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
