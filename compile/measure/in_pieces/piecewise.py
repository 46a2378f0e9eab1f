"""
A network that its target finds no memory for: the twin runs the whole, the target one piece after another.

Each piece is fed with what the twin recorded, and what it emits is compared with what the twin recorded of it. Outputs and events
of the run are the twin's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from backends.targets import target
from backends.trace import Array, Engine, Events, Trace
from compile.measure.free_memory import free_memory
from compile.measure.in_pieces.coverage import Coverage, LeftOut
from compile.measure.in_pieces.pieces import GraphPiece, piece_of, pieces_that_fit
from compile.measure.verdict import Verdict, compare
from compile.stages.phase import Phase
from compile.stages.program import Program
from ir.analysis.fan_in import populations
from ir.analysis.resources import node_resources
from ir.analysis.wiring import populations_fed
from ir.graph import Graph

SHARE = 0.5
"""Of the free memory, for the target; `Coverage` says so. The twin, the recordings and other programs need some, too."""


@dataclass(frozen=True)
class Piecewise:
    """A program whose target runs pieces of it."""

    program: Program
    coverage: Coverage

    def run(self, inputs: Mapping[str, Any], probes: tuple[str, ...]) -> tuple[Trace, Verdict]:
        """The twin's trace of the whole, and the verdict about the pieces."""
        trace = self.program.run(inputs, probes)
        engines = [phase.engine for phase in self.program.phases if isinstance(phase.engine, PiecewiseEngine)]
        verdicts = [verdict for engine in engines for verdict in engine.verdicts]
        return trace, Verdict(
            target(self.program.target).twin.title,
            sum(verdict.populations for verdict in verdicts),
            sum(verdict.compared for verdict in verdicts),
            sum(verdict.differing for verdict in verdicts),
            next((verdict.first for verdict in verdicts if verdict.first), ""),
            all(verdict.events_equal for verdict in verdicts),
            self.coverage,
        )


@dataclass
class PiecewiseEngine:
    """Runs a chip graph on the twin, and its pieces on the target."""

    chip: Graph
    twin: Engine
    pieces: Sequence[tuple[GraphPiece, Engine]]
    verdicts: list[Verdict] = field(default_factory=list[Verdict])
    """About every piece of the last run."""

    def describe(self) -> str:
        """What runs the network, in words."""
        return f"{self.twin.describe()}, and {len(self.pieces)} pieces of it on their own"

    def run(self, inputs: Mapping[str, Array], probes: tuple[str, ...] = ()) -> Trace:
        """The twin's run, see backends.trace.Engine."""
        read = [name for piece, _ in self.pieces for name in (*piece.compared, *(n.name for n in piece.graph.inputs))]
        trace = self.twin.run(inputs, tuple(dict.fromkeys((*probes, *read))))
        self.verdicts = [_verdict(self.chip, piece, engine, trace) for piece, engine in self.pieces]
        return _with_emissions(trace, probes)


def piecewise(program: Program, steps: int, samples: int, probes: Collection[str]) -> Piecewise | None:
    """
    The program in pieces, each of which runs within the memory that is free; None where the whole of it does.

    Args:
        steps: T of the run. samples: of the run.
        probes: populations to compare; those that pieces read of each other are compared, too.
    """
    if target(program.target).memory is None:
        return None

    def fits(piece: GraphPiece) -> bool:
        return _memory(program, piece, steps, samples) <= room

    room = int(free_memory() * SHARE)
    wholes = [_whole(phase, probes) for phase in program.phases]
    if all(map(fits, wholes)):
        return None
    pieces = [pieces_that_fit(whole.graph, whole.compared, fits) for whole in wholes]
    phases = [
        replace(phase, engine=_engine(program, phase, own)) for phase, own in zip(program.phases, pieces, strict=True)
    ]
    needed = max(_memory(program, whole, steps, samples) for whole in wholes)
    coverages = [_coverage(whole.graph, own) for whole, own in zip(wholes, pieces, strict=True)]
    coverage = replace(reduce(Coverage.followed_by, coverages), needed=needed, room=room)
    return Piecewise(replace(program, phases=tuple(phases)), coverage)


def _whole(phase: Phase, probes: Collection[str]) -> GraphPiece:
    chip = phase.deployment.chip
    own = [node.name for node in populations(chip) if phase.names.get(node.name, node.name) in probes]
    return GraphPiece(chip, tuple(own))


def _memory(program: Program, piece: GraphPiece, steps: int, samples: int) -> int:
    memory, graph = target(program.target).memory, piece.graph
    assert memory is not None
    return memory(graph, program.emission, graph.steps or steps, samples, piece.compared)


def _engine(program: Program, phase: Phase, pieces: Sequence[GraphPiece]) -> PiecewiseEngine:
    place, chip = target(program.target), phase.deployment.chip
    engines = [(piece, place.engine_of(piece.graph, program.profile, program.emission)) for piece in pieces]
    return PiecewiseEngine(chip, place.twin_of(chip), engines)


def _coverage(chip: Graph, pieces: Sequence[GraphPiece]) -> Coverage:
    """What of one phase is in pieces."""
    ran = {name for piece in pieces for name in piece.graph.nodes if piece.graph.nodes[name].op.family == "neuron"}
    names = [node.name for node in populations(chip)]
    neurons, synapses = _sizes(chip)
    left_out = [LeftOut(name, *_sizes(piece_of(chip, (name,), ()).graph)) for name in names if name not in ran]
    return Coverage(len(pieces), len(names), neurons, synapses, tuple(left_out))


def _sizes(chip: Graph) -> tuple[int, int]:
    """Neurons and synapses of a graph."""
    rows = node_resources(chip)
    return sum(row.neurons for row in rows), sum(row.synapses for row in rows)


def _verdict(chip: Graph, piece: GraphPiece, engine: Engine, whole: Trace) -> Verdict:
    """One piece against what the twin recorded."""
    graph = piece.graph
    trace = engine.run({node.name: whole.emissions[node.name] for node in graph.inputs}, piece.compared)
    outputs = {name: whole.emissions.get(value, whole.outputs.get(name)) for name, value in graph.outputs.items()}
    expected = replace(
        _with_emissions(whole, piece.compared), outputs=outputs, events=_events(chip, graph, whole.events)
    )
    return compare("", trace, expected)


def _with_emissions(trace: Trace, names: Collection[str]) -> Trace:
    spikes, payloads = ({k: v for k, v in table.items() if k in names} for table in (trace.spikes, trace.payloads))
    return replace(trace, spikes=spikes, payloads=payloads)


def _events(chip: Graph, piece: Graph, whole: Events) -> Events:
    """The share of a piece: a projection's events count once for every population that it feeds."""
    own, all_fed = populations_fed(piece), populations_fed(chip)
    spikes = {name: count for name, count in whole.spikes.items() if name in piece.nodes}
    updates = {node.name: whole.updates[node.name] for node in populations(piece)}
    synaptic = {name: whole.synaptic[name] // all_fed[name] * fed for name, fed in own.items()}
    return Events(whole.samples, whole.steps, spikes, synaptic, updates)
