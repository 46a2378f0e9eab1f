"""
When every value is emitted: depth in hardware steps behind the inputs, and the windows that the samples occupy.

Samples share a run in two ways: `lanes` of them are computed side by side in every step, by as many copies of the network, and
each such group has a window of T steps. Group k is at depth d in steps k T + d ... k T + d + T - 1 (counted from 0), so groups
stream back to back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ir.analysis.schedule import schedule
from ir.graph import Array, Graph


@dataclass(frozen=True)
class Windows:
    """How samples share the steps of a run."""

    steps: int
    """T, the steps between two resets; 0 for a network whose state runs on."""
    samples: int = 0
    """How many there are; 0 for a run without end."""
    lanes: int = 1
    """Samples side by side."""

    @property
    def groups(self) -> int:
        """Windows one after another; the last may have lanes without a sample."""
        return -(-self.samples // self.lanes)

    @property
    def total(self) -> int:
        """Steps in which an emission belongs to a sample; 0 for a run without end."""
        return self.groups * self.steps

    def at(self, local: int) -> tuple[int, slice]:
        """The step of the window, and the samples in the first lanes, at so many steps after the first."""
        group, step = divmod(local, self.steps)
        return step, slice(group * self.lanes, min((group + 1) * self.lanes, self.samples))


@dataclass(frozen=True)
class Timing:
    """When everything of a run is emitted."""

    depth: Mapping[str, int]
    """Input or population -> steps behind the inputs."""
    outputs: Mapping[str, int]
    """Chip output -> steps behind the inputs."""
    windows: Windows

    @property
    def window(self) -> int:
        """T, the steps between two resets; 0 for a network whose state runs on."""
        return self.windows.steps

    @property
    def latency(self) -> int:
        """Steps by which the latest value trails the inputs."""
        return max([*self.depth.values(), *self.outputs.values()])


def timing_of(graph: Graph, window: int, samples: int = 0, lanes: int = 1) -> Timing:
    """The timing of a chip graph by the compiler's own schedule, in windows of `window` steps."""
    plan = schedule(graph)
    return Timing(plan.depth, plan.outputs, Windows(window, samples, lanes))


def sample_stream(values: Array, lanes: int = 1) -> Array:
    """Samples (T, B, *shape) as (groups T, lanes elements): groups follow each other, the last filled up with zeros."""
    steps, samples = values.shape[:2]
    missing = -samples % lanes
    if missing:
        values = np.concatenate([values, np.zeros((steps, missing, *values.shape[2:]), values.dtype)], axis=1)
    groups = values.reshape(steps, (samples + missing) // lanes, -1)
    return groups.swapaxes(0, 1).reshape(steps * groups.shape[1], -1)
