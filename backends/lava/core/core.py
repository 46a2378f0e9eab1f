"""
A core: the populations that one Lava process computes, step by step, with the wiring in front of them.

All populations of one depth form a stage. At hardware step s a stage at depth d computes local step s - d from what its
sources emitted d - d_source steps ago (at least one: a projection costs a step), so the order of stages does not matter and
cores can exchange emissions at the end of a step. The populations of a loop share their depth, and a core: they are computed in
graph order within one step, later ones from what earlier ones emit, and back edges give what was at local steps before. State
is reset at the start of every window.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

import networkx as nx
import numpy as np

from backends.lava.core.contracted_gates import ContractedEmission, Emission, contracted_gates
from backends.lava.core.dtypes import emission_dtype
from backends.lava.core.recording import Recording
from backends.lava.core.stage import READOUT, Stage, depth_of, roots_of, stage_of
from backends.lava.timing import Timing
from backends.lava.validate import magnitude_bounds
from ir.analysis.fan_in import fan_in_cone, populations
from ir.graph import Array, Graph


class Core:
    """Populations and readouts of `graph` computed by one process; see the module's docstring for the timing."""

    def __init__(self, graph: Graph, timing: Timing, emits: Iterable[str], recordings: Mapping[str, Recording]) -> None:
        """`emits`: populations and `output:name` readouts to compute; `recordings`: where emissions are recorded."""
        self.timing, self.steps_done = timing, 0
        emits, lanes = tuple(emits), timing.windows.lanes
        self.stages = _stages(graph, timing, emits, _contracted(graph, recordings, emits))
        self.emissions: dict[str, Emission] = {
            name: _silence(graph, name, lanes) for stage in self.stages for name in stage.emits
        }
        self.emits = tuple(self.emissions)
        sources = dict.fromkeys(name for stage in self.stages for name, _ in stage.lags)
        self.receives = tuple(name for name in sources if name not in self.emissions)
        self.recordings = {name: recording for name, recording in recordings.items() if name in self.emissions}
        silence = {name: _silence(graph, name, lanes) for name in sources}
        self._dtypes = {name: silence[name].dtype for name in self.receives}
        self.sizes = {name: silence[name].size for name in self.receives}
        self._shapes = {name: silence[name].shape for name in self.receives}
        self._history: dict[str, deque[Emission]] = {
            name: deque([silence[name]] * lag, maxlen=lag) for name, lag in _longest_lags(self.stages).items()
        }
        self._rehearse()

    def _rehearse(self) -> None:
        """Compute one silent step now, where an error is still an error; the state is reset when the first window starts."""
        for stage in self.stages:
            stage.compute({name: self._history[name][lag - 1] for name, lag in stage.lags})

    def step(self) -> None:
        """Compute every emission of the current step."""
        for stage in self.stages:
            local = self.steps_done - stage.depth
            if local < 0 or (self.timing.windows.samples and local >= self.timing.windows.total):
                continue
            if local == 0 or (self.timing.window and local % self.timing.window == 0):
                stage.reset()
            self.emissions.update(stage.compute({name: self._history[name][lag - 1] for name, lag in stage.lags}))

    def message(self, name: str) -> Array:
        """What this core emitted, for another process: a flat vector."""
        emission = self.emissions[name]
        assert not isinstance(emission, ContractedEmission), name
        return emission.reshape(-1)

    def receive(self, values: Mapping[str, Array]) -> None:
        """Take what other cores and the inputs emitted in this step (any shape of the right size), and end the step."""
        arrived = {name: np.asarray(x, self._dtypes[name]).reshape(self._shapes[name]) for name, x in values.items()}
        current = {**self.emissions, **arrived}
        for name, history in self._history.items():
            history.appendleft(current[name])
        for name, recording in self.recordings.items():
            recording.record(self.steps_done, current[name])
        self.steps_done += 1


def core_groups(graph: Graph, timing: Timing) -> list[tuple[str, ...]]:
    """
    The populations in graph order, those that must share a core together, at the place of the first.

    The populations of a loop read each other within a step: they have one depth, and read something of that depth.
    """
    names = [node.name for node in populations(graph)]
    if not graph.loops:
        return [(name,) for name in names]
    joined: nx.Graph[str] = nx.Graph()
    joined.add_nodes_from(names)
    for name in names:
        sources = fan_in_cone(graph, graph.nodes[name].inputs, back_edges=True).sources
        joined.add_edges_from((name, source) for source in sources if timing.depth[source] == timing.depth[name])
    loop_of = {name: loop for loop in nx.connected_components(joined) for name in loop}
    loops = dict.fromkeys(frozenset(loop_of[name]) for name in names)
    return [tuple(name for name in names if name in loop) for loop in loops]


def _contracted(graph: Graph, recordings: Mapping[str, Recording], emits: Sequence[str]) -> frozenset[str]:
    """The populations of this core that need not be materialised: nothing outside reads them, or records their elements."""
    gates = contracted_gates(graph, {name for name, recording in recordings.items() if recording.names_elements})
    if gates.isdisjoint(emits):
        return frozenset()
    outside = [node.inputs for node in populations(graph) if node.name not in emits]
    outside += [(value,) for value in graph.outputs.values()]
    return (gates & set(emits)) - {source for roots in outside for source in fan_in_cone(graph, roots).sources}


def _stages(graph: Graph, timing: Timing, emits: Sequence[str], contracted: frozenset[str]) -> list[Stage]:
    bounds = magnitude_bounds(graph) if graph.is_integer else None
    by_depth: dict[int, list[str]] = {}
    for name in emits:
        by_depth.setdefault(depth_of(timing, name), []).append(name)
    return [stage_of(graph, timing, depth, by_depth[depth], bounds, contracted) for depth in sorted(by_depth)]


def _longest_lags(stages: Sequence[Stage]) -> dict[str, int]:
    """Source -> how many of its last emissions are read."""
    longest: dict[str, int] = {}
    for stage in stages:
        for name, lag in stage.lags:
            longest[name] = max(lag, longest.get(name, 0))
    return longest


def _silence(graph: Graph, emission: str, lanes: int) -> Array:
    """A step without any spike, in the shape and dtype of an emission."""
    node = graph.nodes[roots_of(graph, emission)[0] if emission.startswith(READOUT) else emission]
    zero = np.zeros((1, 1, *(1 for _ in node.type.shape)), emission_dtype(graph, node))
    return np.broadcast_to(zero, (1, lanes, *node.type.shape))
