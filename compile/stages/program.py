"""
A compiled part of a network, ready to run: host before, engine, host after.

Arrays at the border are the model's own: (T, B, *shape) where an input changes in time, (B, *shape) where it is static.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from backends.targets import target
from backends.trace import Array, Engine, Trace
from compile.stages.host_inputs import host_inputs
from ir.analysis.layers import is_population_of_the_model
from ir.analysis.wiring import behind_routing
from ir.deployment import Deployment
from ir.errors import CompileError
from ir.interpreter import interpret
from ir.profile import Profile
from ir.types import Type

Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Program:
    """Runs one deployed part of a network."""

    name: str
    """The part's name."""
    target: str
    """Where it runs, by the name of the target."""
    deployment: Deployment
    """Host prologue, chip graph, host epilogue."""
    engine: Engine
    """What runs the chip graph."""
    profile: Profile
    """The hardware that it was compiled for."""
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    """Input or output -> what the user calls it, where the IR cannot hold that name."""

    @property
    def scales(self) -> Mapping[str, float]:
        """Population or chip input -> real value of one integer that it emits."""
        return self.deployment.scales

    @property
    def inputs(self) -> dict[str, Type]:
        """Input name -> type; shapes are those of one sample at one step."""
        return {self._called(node.name): node.type for node in self.deployment.prologue.inputs}

    @property
    def populations(self) -> tuple[str, ...]:
        """The model's own neuron populations, without the gates that lowering added."""
        nodes = self.deployment.chip.nodes
        return tuple(name for name, node in nodes.items() if is_population_of_the_model(node))

    def on(self, target_name: str) -> Program:
        """The same network on another target."""
        engine = target(target_name).engine_of(self.deployment.chip, self.profile)
        return replace(self, target=target_name, engine=engine)

    def run(self, inputs: Inputs | Any, probes: tuple[str, ...] | None = None) -> Trace:
        """
        Run samples from zero state.

        Args:
            inputs: {input name: array}, or one array where there is one input; (T, B, *shape), or (B, *shape) if static.
            probes: populations whose spikes to return; by default the model's own neurons.

        Returns:
            outputs {name: (T, B, *shape), or (B, *shape) if static over the window}, spikes {population: (T, B, *shape)}
            and event counts.

        Raises:
            CompileError: an input is missing, unknown, of the wrong shape, or not finite.
        """
        host = self.host_inputs(inputs)
        probes = self.populations if probes is None else probes
        unknown = [name for name in probes if name not in self.deployment.chip.nodes]
        if unknown:
            what, hint = f"no population {unknown[0]!r} to probe", f"known: {', '.join(self.populations)}"
            raise CompileError("run.probe", what, where=self.name, hint=hint)
        before = interpret(self.deployment.prologue, host)
        trace = self.engine.run(self.deployment.encode(before), probes)
        return Trace(self._finish(host, before, trace), trace.spikes, trace.events)

    def host_inputs(self, inputs: Inputs | Any) -> dict[str, torch.Tensor]:
        """The model inputs, by the graph's own names, checked and as (T or 1, B, *shape) float tensors."""
        return host_inputs(self.deployment.prologue, self.names, inputs, self.name)

    def chip_inputs(self, inputs: Inputs | Any) -> dict[str, Array]:
        """The payloads that the host hands to the chip for these model inputs; feed them to a `LavaNetwork`'s in ports."""
        return self.deployment.encode(interpret(self.deployment.prologue, self.host_inputs(inputs)))

    def _finish(self, host: Mapping[str, Any], before: Mapping[str, Any], trace: Trace) -> dict[str, Array]:
        """The epilogue on the chip's outputs, model inputs and prologue values."""
        chip, epilogue = self.deployment.chip, self.deployment.epilogue
        after: dict[str, Any] = {**host, **before}
        for name, value in trace.outputs.items():
            real = np.dtype(epilogue.dtype).type
            after[name] = torch.as_tensor(value.astype(real) * real(self._scale(chip.outputs[name])))
        outputs = interpret(epilogue, {node.name: after[node.name] for node in epilogue.inputs})
        static = {name: epilogue.nodes[value].type.static for name, value in epilogue.outputs.items()}
        return {self._called(name): (value[0] if static[name] else value).numpy() for name, value in outputs.items()}

    def _scale(self, value: str) -> float:
        """The real value of one integer of a chip output: that of the population behind its routing, 1 for spikes."""
        sources = behind_routing(self.deployment.chip, value)
        return next((self.scales.get(name, 1.0) for name in sources), 1.0)

    def _called(self, name: str) -> str:
        """What the user calls an input or output."""
        return self.names.get(name, name)
