"""
When every value is emitted: depth in hardware steps behind the inputs, and the window that a sample occupies.

Sample k is at depth d in steps k T + d ... k T + d + T - 1 (counted from 0), so samples stream back to back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ir.graph import Graph
from ir.passes.schedule_depth import schedule


@dataclass(frozen=True)
class Timing:
    """
    Depths of inputs and populations, and of the chip's outputs.

    `window` is T, the steps between two resets; 0 for a network whose state runs on.
    """

    depth: Mapping[str, int]
    outputs: Mapping[str, int]
    window: int

    @property
    def latency(self) -> int:
        """Steps by which the latest value trails the inputs."""
        return max([*self.depth.values(), *self.outputs.values()])


def timing_of(graph: Graph, window: int) -> Timing:
    """The timing of a chip graph by the compiler's own schedule, in windows of `window` steps."""
    plan = schedule(graph)
    return Timing(plan.depth, plan.outputs, window)
