"""One phase of a program: the host's part before the chip, the engine that runs the chip's, the host's part after it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from itertools import accumulate

import torch

from backends.targets import REFERENCE, target
from backends.trace import Crossing, Engine, Events, Trace
from compile.stages.window_length import WindowLengths, refused
from ir.analysis.wiring import behind_routing
from ir.deployment import Deployment
from ir.interpreter import interpret, parameters_like
from ir.mapping.core_map import UNMAPPED
from ir.pipeline.join_phases import names_among_all
from ir.profile import Profile

Values = Mapping[str, torch.Tensor]
"""Value -> (T, B, *shape), or (1, B, *shape) where it is the same at every step."""


@dataclass(frozen=True)
class Phase:
    """Runs one deployment over a whole window."""

    deployment: Deployment
    engine: Engine
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    """Chip value -> what it is called among those of all phases."""
    lengths: WindowLengths | None = field(default=None, repr=False, compare=False)
    """What knows it at other numbers of steps; None where it has no windows, or nothing is known."""

    def run(self, values: Values, probes: Collection[str]) -> tuple[dict[str, torch.Tensor], Trace]:
        """
        Run samples from zero state.

        Args:
            values: the model's inputs, and what earlier phases handed over.
            probes: populations, by their names among all phases; those of other phases are passed over.

        Returns:
            what the host has after the window, by name, and the engine's trace in the names among all phases.
        """
        host = {node.name: values[node.name] for node in self.deployment.prologue.inputs}
        before = interpret(self.deployment.prologue, host, params=self._before)
        own = tuple(name for name in self.deployment.chip.nodes if self.names.get(name, name) in probes)
        fed = self.deployment.encode(before)
        trace = replace(self.engine.run(fed, own), fed=fed)
        epilogue, after = self.deployment.epilogue, {**host, **before}
        for name, value in trace.outputs.items():
            real, scale = value.astype(epilogue.dtype, order="C"), self._scale(name)
            after[name] = torch.as_tensor(real if scale == 1 else real * real.dtype.type(scale))
        outputs = interpret(epilogue, {node.name: after[node.name] for node in epilogue.inputs}, params=self._after)
        return outputs, trace.renamed(self.names)

    def at(self, steps: int, engine_of: Callable[[Phase], Engine]) -> Phase:
        """
        The same chip, weight for weight, for windows of another length.

        Raises:
            CompileError: the chip would be another one there, or its integers are not proven for so many steps.
        """
        if self.lengths is None:
            name = self.deployment.chip.name
            raise refused(self.deployment.chip.steps, steps, "nothing is known of other lengths", name)
        there = replace(self, deployment=self.lengths.deployment(self.deployment, steps))
        return replace(there, engine=engine_of(there))

    @property
    def latency(self) -> int:
        """Steps by which the latest population or output trails the inputs; 0 where nothing is scheduled."""
        return 0 if self.deployment.schedule is None else self.deployment.schedule.latency

    @cached_property
    def _before(self) -> Mapping[str, torch.Tensor]:
        """The prologue's parameters, copied once: those of an embedding take longer than the rest of a run."""
        return parameters_like(self.deployment.prologue, torch.empty(0))

    @cached_property
    def _after(self) -> Mapping[str, torch.Tensor]:
        return parameters_like(self.deployment.epilogue, torch.empty(0))

    def _scale(self, output: str) -> float:
        """The real value of one integer of a chip output: that of the population behind its routing, 1 for spikes."""
        chip, scales = self.deployment.chip, self.deployment.scales
        return next((scales.get(name, 1.0) for name in behind_routing(chip, chip.outputs[output])), 1.0)


def phases_of(deployments: Sequence[Deployment], profile: Profile) -> tuple[Phase, ...]:
    """Phases that run one after another, each on a reference engine of its own, which needs no map."""
    names, place = names_among_all(deployments), target(REFERENCE)
    return tuple(
        Phase(each, place.engine_of(each.chip, profile, UNMAPPED), {a: b for a, b in own.items() if a != b})
        for each, own in zip(deployments, names, strict=True)
    )


def run_phases(
    phases: Sequence[Phase], values: Values, probes: Collection[str]
) -> tuple[dict[str, torch.Tensor], Trace]:
    """One phase after another on whole windows: what the last one's host has, and what happened in all of them."""
    known, results = dict(values), list[Trace]()
    for phase in phases:
        outputs, trace = phase.run(known, probes)
        known.update(outputs)
        results.append(trace)
    names = phases[-1].deployment.epilogue.outputs
    return {name: known[name] for name in names}, reduce(Trace.followed_by, results)


def first_steps(phases: Sequence[Phase]) -> tuple[int, ...]:
    """The step in which each phase begins: when the one before has ended its window, its latest outputs included."""
    return tuple(accumulate((phase.latency + phase.deployment.chip.steps for phase in phases[:-1]), initial=0))


def first_chip_steps(phases: Sequence[Phase], inside: int) -> dict[str, int]:
    """Population or input -> the chip step in which its window begins, of `inside` in a step of the model."""
    first = dict[str, int]()
    for phase, start in zip(phases, first_steps(phases), strict=True):
        plan = phase.deployment.schedule
        for name in phase.deployment.chip.nodes:
            depth = plan.depth.get(name, 0) if plan is not None else 0
            first[phase.names.get(name, name)] = inside * (start + depth)
    return first


def latency_steps(phases: Sequence[Phase]) -> int:
    """Steps by which the last phase's outputs trail the inputs."""
    return first_steps(phases)[-1] + phases[-1].latency


def crossings(phases: Sequence[Phase], events: Events) -> tuple[Crossing, ...]:
    """What passes between host and chip, in the order of time; `events` are those of a run of all phases."""
    places = enumerate(zip(phases, first_steps(phases), strict=True), 1)
    unordered = [each for number, (phase, start) in places for each in _crossings(phase, number, start, events)]
    return tuple(sorted(unordered, key=lambda crossing: crossing.first))


def _crossings(phase: Phase, number: int, start: int, events: Events) -> Iterator[Crossing]:
    """All inputs of a chip, and the populations behind its outputs."""
    chip, plan = phase.deployment.chip, phase.deployment.schedule
    fed = [node.name for node in chip.inputs]
    read = dict.fromkeys(name for value in chip.outputs.values() for name in behind_routing(chip, value))
    for to, name in (*(("chip", name) for name in fed), *(("host", name) for name in read)):
        called, domain = phase.names.get(name, name), chip.nodes[name].type.domain
        first, count = start + (plan.depth[name] if plan else 0), events.spikes[called]
        bits = domain.bound if domain.kind == "graded" else 0
        yield Crossing(number, to, called, first, chip.steps, count, count * bits)


def with_engines(phases: Sequence[Phase], engine_of: Callable[[Phase], Engine]) -> tuple[Phase, ...]:
    """The same phases on other engines."""
    return tuple(replace(phase, engine=engine_of(phase)) for phase in phases)
