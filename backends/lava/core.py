"""
A core: the populations that one Lava process computes, step by step, with the wiring in front of them.

All populations of one depth form a stage. At hardware step s a stage at depth d computes local step s - d from what its
sources emitted d - d_source steps ago (at least one: a projection costs a step), so the order of stages does not matter and
cores can exchange emissions at the end of a step. State is reset at the start of every window.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backends.lava.bounds import magnitude_bounds
from backends.lava.cone import Cone, cone_of
from backends.lava.instructions import Compute, wiring_instruction
from backends.lava.neurons import Neuron, emission_dtype, neuron_of
from backends.lava.recording import Tap
from backends.lava.timing import Timing
from ir.graph import Array, Graph

READOUT = "output:"
"""Prefix of the emission that carries a routed or merged chip output."""


@dataclass
class Stage:
    """What is computed for one depth: sources with their lags, instructions in order, and the emissions that result."""

    depth: int
    lags: tuple[tuple[str, int], ...]
    instructions: list[tuple[str, Compute, tuple[str, ...]]]
    neurons: list[Neuron]
    emits: dict[str, str] = field(default_factory=dict)

    def compute(self, values: dict[str, Array]) -> dict[str, Array]:
        """Emission name -> value, from the values of the sources."""
        for name, run, operands in self.instructions:
            values[name] = run(*(values[operand] for operand in operands))
        return {emission: values[value] for emission, value in self.emits.items()}


class Core:
    """Populations and readouts of `graph` computed by one process; see the module's docstring for the timing."""

    def __init__(self, graph: Graph, timing: Timing, emits: Iterable[str], taps: Mapping[str, Tap]) -> None:
        """`emits`: populations and `output:name` readouts to compute; `taps`: where emissions are recorded."""
        self.timing, self.steps_done = timing, 0
        self.stages = _stages(graph, timing, tuple(emits))
        self.emissions = {name: _silence(graph, name) for stage in self.stages for name in stage.emits}
        self.emits = tuple(self.emissions)
        sources = dict.fromkeys(name for stage in self.stages for name, _ in stage.lags)
        self.receives = tuple(name for name in sources if name not in self.emissions)
        self.taps = {name: tap for name, tap in taps.items() if name in self.emissions}
        self._dtypes = {name: _silence(graph, name).dtype for name in self.receives}
        self.sizes = {name: _silence(graph, name).size for name in self.receives}
        self._shapes = {name: _silence(graph, name).shape for name in self.receives}
        self._history = _histories(graph, self.stages)
        self._rehearse()

    def _rehearse(self) -> None:
        """Compute one silent step now, where an error is still an error; the state is reset when the first window starts."""
        for stage in self.stages:
            stage.compute({name: self._history[name][lag - 1] for name, lag in stage.lags})

    def step(self) -> None:
        """Compute every emission of the current step."""
        for stage in self.stages:
            local = self.steps_done - stage.depth
            if local < 0:
                continue
            if local == 0 or (self.timing.window and local % self.timing.window == 0):
                for neuron in stage.neurons:
                    neuron.reset()
            self.emissions.update(stage.compute({name: self._history[name][lag - 1] for name, lag in stage.lags}))

    def receive(self, values: Mapping[str, Array]) -> None:
        """Take what other cores and the inputs emitted in this step (any shape of the right size), and end the step."""
        arrived = {name: np.asarray(x, self._dtypes[name]).reshape(self._shapes[name]) for name, x in values.items()}
        current = {**self.emissions, **arrived}
        for name, history in self._history.items():
            history.appendleft(current[name])
        for name, tap in self.taps.items():
            tap.record(self.steps_done, current[name])
        self.steps_done += 1


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


def _stages(graph: Graph, timing: Timing, emits: tuple[str, ...]) -> list[Stage]:
    real = is_real(graph)
    bounds = None if real else magnitude_bounds(graph)
    depths = sorted({depth_of(timing, name) for name in emits})
    return [
        _stage(graph, timing, depth, [n for n in emits if depth_of(timing, n) == depth], bounds) for depth in depths
    ]


def _stage(graph: Graph, timing: Timing, depth: int, emits: list[str], bounds: Mapping[str, int] | None) -> Stage:
    cones = [cone_of(graph, roots_of(graph, name)) for name in emits]
    stage = Stage(depth, _lags(timing, depth, cones), [], [])
    for node in dict.fromkeys(node for cone in cones for node in cone.nodes):
        stage.instructions.append((node.name, wiring_instruction(graph, node, bounds), node.inputs))
    for name in emits:
        if name.startswith(READOUT):
            stage.emits[name] = roots_of(graph, name)[0]
            continue
        neuron = neuron_of(graph, graph.nodes[name], bounds, timing.window)
        stage.neurons.append(neuron)
        stage.instructions.append((name, neuron.step, graph.nodes[name].inputs))
        stage.emits[name] = name
    return stage


def _lags(timing: Timing, depth: int, cones: list[Cone]) -> tuple[tuple[str, int], ...]:
    sources = dict.fromkeys(name for cone in cones for name in cone.sources)
    return tuple((name, depth - timing.depth[name]) for name in sources)


def _histories(graph: Graph, stages: list[Stage]) -> dict[str, deque[Array]]:
    """Per source, its last emissions, newest first, zeros before the run."""
    longest: dict[str, int] = {}
    for stage in stages:
        for name, lag in stage.lags:
            longest[name] = max(lag, longest.get(name, 0))
    return {name: deque([_silence(graph, name)] * lag, maxlen=lag) for name, lag in longest.items()}


def _silence(graph: Graph, emission: str) -> Array:
    """A step without any spike, in the shape and number type of an emission."""
    node = graph.nodes[roots_of(graph, emission)[0] if emission.startswith(READOUT) else emission]
    return np.zeros((1, 1, *node.type.shape), emission_dtype(node))


def port_dtype(real: bool) -> Any:
    """The number type of messages between processes."""
    return np.float32 if real else np.int32


def is_real(graph: Graph) -> bool:
    """Whether a chip graph computes in the source's own (floating point) arithmetic: it has no integer neuron."""
    return not any(node.op.kind == "loihi_lif" for node in graph.nodes.values())
