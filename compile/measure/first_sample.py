"""What the first sample of a run did, neuron by neuron: for pictures, as all other spikes are counted and dropped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backends.trace import Array, Trace

MOST = 4_000_000
"""Neurons times steps of a population that are kept."""


@dataclass(frozen=True)
class FirstSample:
    """Spikes of one sample, by population of the model: (T, neurons) each, whole numbers."""

    compiled: Mapping[str, Array] = field(default_factory=dict[str, Array])
    """What ran."""
    floats: Mapping[str, Array] = field(default_factory=dict[str, Array])
    """The lowered network in its own arithmetic."""
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """As the program takes them."""


def first_sample(compiled: Trace, floats: Trace, populations: Iterable[str], inputs: Mapping[str, Any]) -> FirstSample:
    """The first sample of two traces, with its inputs; populations that are not probed in both, or too large, are left out."""
    both = [name for name in populations if name in compiled.spikes and name in floats.spikes]
    kept = [name for name in both if compiled.spikes[name][:, :1].size <= MOST]
    ran, expected = ({name: _first(trace.spikes[name]) for name in kept} for trace in (compiled, floats))
    return FirstSample(ran, expected, inputs)


def _first(spikes: Array) -> Array:
    first = np.ascontiguousarray(np.asarray(spikes)[:, 0])
    return first.reshape(len(first), -1)
