"""
A stage: what a core computes for one depth in a step, in graph order: wiring, populations, and at the end what back edges keep.

Delay lines and back edges are the stage's own, even where another stage reads the same ones at its own time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from backends.lava.core.contracted_gates import ContractedGate, Emission
from backends.lava.core.instructions import Compute, wiring_instruction
from backends.lava.core.memories import BackEdge, DelayLine
from backends.lava.core.neurons import neuron_of
from backends.lava.core.shared_weights import shared_instruction, shared_projections
from backends.lava.timing import Timing, Windows
from ir.analysis.fan_in import FanInCone, fan_in_cone
from ir.graph import Graph, Node
from ir.ops.over_time.delay import Delay, Past

READOUT = "output:"
"""Prefix of the emission that carries a routed or merged chip output."""


class Stateful(Protocol):
    """A population, a delay line or a back edge."""

    def reset(self) -> None:
        """Start a window from zero state."""
        ...


@dataclass
class Stage:
    """What is computed for one depth."""

    depth: int
    lags: tuple[tuple[str, int], ...]
    """(source, how many steps ago it emitted what is read)."""
    emits: dict[str, str]
    """Emission -> the value that it is."""
    instructions: list[tuple[str, Callable[..., Emission], tuple[str, ...]]] = field(default_factory=list)
    """(value, how it is computed, operands), in order."""
    stateful: list[Stateful] = field(default_factory=list)
    back_edges: list[BackEdge] = field(default_factory=list)

    def reset(self) -> None:
        """Start a window."""
        for part in self.stateful:
            part.reset()

    def compute(self, values: dict[str, Emission]) -> dict[str, Emission]:
        """Emission name -> value, from the values of the sources."""
        for name, run, operands in self.instructions:
            values[name] = run(*(values[operand] for operand in operands))
        for edge in self.back_edges:
            value = values[edge.of]
            assert isinstance(value, np.ndarray), edge.of  # loops are always materialised
            edge.remember(value)
        return {emission: values[value] for emission, value in self.emits.items()}


def stage_of(
    graph: Graph,
    timing: Timing,
    depth: int,
    emits: Sequence[str],
    bounds: Mapping[str, int] | None,
    contracted: Collection[str] = (),
) -> Stage:
    """
    The stage that computes the emissions `emits`, all of this depth.

    Args:
        bounds: the range proof, None for a real network. contracted: populations that are not materialised.
    """
    cone = fan_in_cone(graph, tuple(root for name in emits for root in roots_of(graph, name)), back_edges=True)
    lags = tuple((name, depth - timing.depth[name]) for name in cone.sources if name not in emits)
    assert all(lag > 0 for _, lag in lags), (emits, lags)
    values = {name: roots_of(graph, name)[0] if name.startswith(READOUT) else name for name in emits}
    stage = Stage(depth, lags, values)
    shared = shared_projections(graph, bounds)
    absorbed = {name for group in shared.values() for name in group[:-1]}
    for node in _in_order(graph, cone, emits):
        if node.name in absorbed:
            continue
        operands = tuple(name for name in node.inputs if name not in absorbed)
        if node.name in contracted:
            run = ContractedGate(node.type.shape).step
        elif node.name in shared and bounds is not None:
            run = shared_instruction(graph, node, shared[node.name], bounds)
            operands = tuple(graph.nodes[name].inputs[0] for name in shared[node.name])
        else:
            run = _instruction(graph, node, bounds, timing.windows, stage)
        stage.instructions.append((node.name, run, operands))
    return stage


def depth_of(timing: Timing, emission: str) -> int:
    """The depth of a population, an input or a readout."""
    if emission.startswith(READOUT):
        return timing.outputs[emission.removeprefix(READOUT)]
    return timing.depth[emission]


def roots_of(graph: Graph, emission: str) -> tuple[str, ...]:
    """The values whose cone an emission is computed from."""
    if emission.startswith(READOUT):
        return (graph.outputs[emission.removeprefix(READOUT)],)
    return graph.nodes[emission].inputs


def _in_order(graph: Graph, cone: FanInCone, emits: Sequence[str]) -> list[Node]:
    needed = {node.name for node in cone.nodes} | set(emits)
    return [node for name, node in graph.nodes.items() if name in needed]


def _instruction(graph: Graph, node: Node, bounds: Mapping[str, int] | None, windows: Windows, stage: Stage) -> Compute:
    """The callable of one node; what it remembers is noted in the stage."""
    if isinstance(node.op, Past):
        edge = BackEdge(node, windows)
        stage.stateful.append(edge)
        stage.back_edges.append(edge)
        return edge.value
    if isinstance(node.op, Delay):
        line = DelayLine(graph, node, windows)
        stage.stateful.append(line)
        return line.step
    if node.op.family == "neuron":
        neuron = neuron_of(graph, node, bounds, windows.steps)
        stage.stateful.append(neuron)
        return neuron.step
    return wiring_instruction(graph, node, bounds)
