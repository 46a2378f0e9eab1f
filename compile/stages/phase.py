"""One phase of a program: the host's part before the chip, the engine that runs the chip's, the host's part after it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce

import torch

from backends.trace import Engine, Trace
from compile.stages.window_length import WindowLengths, refused
from ir.analysis.wiring import behind_routing
from ir.deployment import Deployment
from ir.graph import Graph
from ir.interpreter import interpret, parameters_like
from ir.pipeline.join_phases import names_among_all

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
        trace = self.engine.run(self.deployment.encode(before), own)
        epilogue, after = self.deployment.epilogue, {**host, **before}
        for name, value in trace.outputs.items():
            real, scale = value.astype(epilogue.dtype, order="C"), self._scale(name)
            after[name] = torch.as_tensor(real if scale == 1 else real * real.dtype.type(scale))
        outputs = interpret(epilogue, {node.name: after[node.name] for node in epilogue.inputs}, params=self._after)
        return outputs, trace.renamed(self.names)

    def at(self, steps: int, engine_of: Callable[[Graph], Engine]) -> Phase:
        """
        The same chip, weight for weight, for windows of another length.

        Raises:
            CompileError: the chip would be another one there, or its integers are not proven for so many steps.
        """
        if self.lengths is None:
            name = self.deployment.chip.name
            raise refused(self.deployment.chip.steps, steps, "nothing is known of other lengths", name)
        deployment = self.lengths.deployment(self.deployment, steps)
        return replace(self, deployment=deployment, engine=engine_of(deployment.chip))

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


def phases_of(deployments: Sequence[Deployment], engine_of: Callable[[Graph], Engine]) -> tuple[Phase, ...]:
    """Phases that run one after another, each on an engine of its own."""
    names = names_among_all(deployments)
    return tuple(
        Phase(each, engine_of(each.chip), {a: b for a, b in own.items() if a != b})
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


def latency_steps(phases: Sequence[Phase]) -> int:
    """Steps by which the last phase's outputs trail the inputs: a phase starts when the one before has ended its window."""
    plans = [(phase.deployment.schedule, phase.deployment.chip.steps) for phase in phases]
    trails = [0 if plan is None else plan.latency for plan, _ in plans]
    return sum(trails) + sum(steps for _, steps in plans[:-1])


def with_engines(phases: Sequence[Phase], engine_of: Callable[[Graph], Engine]) -> tuple[Phase, ...]:
    """The same phases on other engines."""
    return tuple(replace(phase, engine=engine_of(phase.deployment.chip)) for phase in phases)
