"""
A compiled part of a network, ready to run: host before, engine, host after.

Arrays at the border are the model's own: (T, B, *shape) where an input changes in time, (B, *shape) where it is static. A model
that takes or returns (B, T, *shape) goes on doing so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from backends.targets import target
from backends.trace import Array, Engine, Trace
from compile.stages.host_inputs import host_inputs, steps_of
from compile.stages.phase import Phase, crossings, run_phases, with_engines
from frontend.recording.axis_order import TIME_FIRST, AxisOrder
from ir.analysis.layers import is_population_of_the_model
from ir.deployment import Deployment
from ir.errors import CompileError, known_names
from ir.interpreter import interpret
from ir.mapping.core_map import UNMAPPED, CoreMap
from ir.ops.integer_neuron import IntegerNeuron
from ir.ops.membrane import Membrane
from ir.pipeline.join_phases import join_phases
from ir.profile import Profile
from ir.quantize.neurons.distinct import MembraneUnits
from ir.types import Type

if TYPE_CHECKING:
    from backends.lava.processes.network import LavaNetwork
    from backends.target import Target

Inputs = Mapping[str, Any]
LENGTHS = 8
"""Programs of other lengths that a program keeps."""
P = TypeVar("P", bound="Program")


@dataclass(frozen=True)
class Program:
    """Runs one deployed part of a network."""

    name: str
    """The part's name."""
    target: str
    """Where it runs, by the name of the target."""
    phases: tuple[Phase, ...]
    """What runs one after another: host, chip, host each; one, unless the host has to compute between neurons."""
    profile: Profile
    """The hardware that it was compiled for."""
    cores: CoreMap = UNMAPPED
    """The core of every neuron of all phases: what runs the map, runs this one, and reports show it."""
    emission: str | None = None
    """Which of the target's ways to run a network, as it was asked for; None for the default."""
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    """Input or output -> what the user calls it, where the IR cannot hold that name."""
    order: AxisOrder = TIME_FIRST
    """Of the inputs' and outputs' axes."""

    @cached_property
    def deployment(self) -> Deployment:
        """All phases as one: host prologue, chip graph, host epilogue."""
        return join_phases([phase.deployment for phase in self.phases])

    @property
    def engine(self) -> Engine:
        """What runs the chip graph of the first phase."""
        return self.phases[0].engine

    @property
    def scales(self) -> Mapping[str, float]:
        """Population or chip input -> real value of one integer that it emits."""
        return self.deployment.scales

    @property
    def membranes(self) -> Mapping[str, MembraneUnits]:
        """
        Population -> (scale, zero) of its membrane v on the chip: scale * v + zero is that of the imported neuron.

        Numbers, or arrays that broadcast to the population where its neurons differ in them. SpikingJelly's neurons are imported
        with membranes counted from v_reset. In real numbers, and in networks that were integers already, v is what it is: (1, 0).
        """
        nodes = self.deployment.chip.nodes
        same = {name: (1.0, 0.0) for name, node in nodes.items() if isinstance(node.op, Membrane | IntegerNeuron)}
        return self.deployment.membranes or same

    @property
    def inputs(self) -> dict[str, Type]:
        """Input name -> type; shapes are those of one sample at one step."""
        return {self.called(node.name): node.type for node in self.deployment.prologue.inputs}

    @property
    def outputs(self) -> dict[str, Type]:
        """Output name -> type; static ones come without a time axis."""
        epilogue = self.deployment.epilogue
        return {self.called(name): epilogue.nodes[value].type for name, value in epilogue.outputs.items()}

    @property
    def populations(self) -> tuple[str, ...]:
        """The model's own neuron populations, without the gates that lowering added."""
        nodes = self.deployment.chip.nodes
        return tuple(name for name, node in nodes.items() if is_population_of_the_model(node))

    def on(self: P, target_name: str, emission: str | None = None) -> P:
        """
        The same network on another target, or in another emission of it; by default that target's own.

        Raises:
            CompileError: there is no such target, it has no such emission, or that one cannot run the network.
        """
        place = target(target_name)
        phases = with_engines(self.phases, lambda phase: self._engine_of(phase, place, emission))
        return replace(self, target=target_name, phases=phases, emission=emission)

    @property
    def steps(self) -> int:
        """T, the steps of a sample; 0 for a network that takes any number."""
        return self.deployment.chip.steps

    def at(self, steps: int) -> Program:
        """
        The same chip, weight for weight, for windows of another length; `run` asks for it where its inputs have another T.

        Raises:
            CompileError: the chip would be another one there, or its integers are not proven for so many steps.
        """
        if not self.steps or steps == self.steps:
            return self
        if steps not in self._at_other_lengths:
            place = target(self.target)
            phases = [
                each.at(steps, lambda phase: self._engine_of(phase, place, self.emission)) for each in self.phases
            ]
            if len(self._at_other_lengths) == LENGTHS:
                del self._at_other_lengths[next(iter(self._at_other_lengths))]
            self._at_other_lengths[steps] = replace(self, phases=tuple(phases))
        return self._at_other_lengths[steps]

    @cached_property
    def _at_other_lengths(self) -> dict[int, Program]:
        return {}

    def cores_of(self, phase: Phase) -> CoreMap:
        """What the map is of one of the phases, by that one's own names."""
        return self.cores.of(phase.deployment.chip, phase.names)

    def _engine_of(self, phase: Phase, place: Target, emission: str | None) -> Engine:
        return place.engine_of(phase.deployment.chip, self.profile, self.cores_of(phase), emission)

    def lava_network(self, spikes: Sequence[str] = (), membranes: Sequence[str] = ()) -> LavaNetwork:
        """
        The chip's part as a Lava process with ports, `inputs` and `outputs` by name, to be connected to processes of your own.

        Args:
            spikes: populations whose emissions get an out port of their name, beside the chip's outputs.
            membranes: populations whose membranes get the out port NAME.v: at every step the value that the threshold is
                compared with, before the reset of that step's spike; in integers, `membranes` has what they stand for.

        Raises:
            CompileError: the target is none of Lava, there is no such population, or it has no membrane to read.
        """
        from backends.lava.engine import LavaEngine

        if len(self.phases) > 1:
            what = (
                f"the network runs in {len(self.phases)} phases, with the host between them, and a process is one phase"
            )
            raise CompileError("program.lava", what, where=self.name, hint="use run, which goes through all phases")
        if not isinstance(self.engine, LavaEngine):
            what, hint = f"target {self.target} runs nothing in Lava", 'use program.on("loihi")'
            raise CompileError("program.lava", what, where=self.name, hint=hint)
        return self.engine.network(spikes, membranes)

    def run(self, inputs: Inputs | Any, probes: tuple[str, ...] | None = None) -> Trace:
        """
        Run samples from zero state.

        Args:
            inputs: {input name: array}, or one array where there is one input; (T, B, *shape), or (B, T, *shape) where the
                model takes that, or (B, *shape) if static. T may differ from that of the compilation, see `at`.
            probes: populations whose spikes or payloads to return; by default the model's own neurons.

        Returns:
            outputs {name: (T, B, *shape), or (B, T, *shape) where the model returns that, or (B, *shape) if static over the
            window}, spikes and payloads {population: (T, B, *shape)}, real values of payloads' units, event counts, and what
            crossed between host and chip.

        Raises:
            CompileError: an input is missing, unknown, of the wrong shape, or not finite, or the network cannot run T steps.
        """
        host = self.host_inputs(inputs)
        program = self.at(steps_of(self.deployment.prologue, host))
        if program is not self:
            return program.run(inputs, probes)
        probes = self.populations if probes is None else probes
        unknown = [name for name in probes if name not in self.deployment.chip.nodes]
        if unknown:
            what, hint = f"no population {unknown[0]!r} to probe", known_names(unknown[0], self.populations)
            raise CompileError("run.probe", what, where=self.name, hint=hint)
        outputs, trace = run_phases(self.phases, host, probes)
        scales = {name: self.scales.get(name, 1.0) for name in trace.payloads}
        crossed = crossings(self.phases, trace.events)
        return replace(trace, outputs=self._in_own_order(outputs), scales=scales, crossings=crossed)

    def host_inputs(self, inputs: Inputs | Any) -> dict[str, torch.Tensor]:
        """The model inputs, by the graph's own names, checked and as (T or 1, B, *shape) float tensors."""
        prologue = self.deployment.prologue
        own = any(node.type.steps for node in prologue.inputs)  # then it takes windows of these lengths, and no others
        return host_inputs(prologue if own else prologue.lasting(0), self.names, inputs, self.name, self.order)

    def chip_inputs(self, inputs: Inputs | Any) -> dict[str, Array]:
        """The payloads that the host hands to the chip's first phase; feed them to a `LavaNetwork`'s in ports."""
        values = self.host_inputs(inputs)
        first = self.at(steps_of(self.deployment.prologue, values)).phases[0].deployment
        return first.encode(interpret(first.prologue, {node.name: values[node.name] for node in first.prologue.inputs}))

    def _in_own_order(self, outputs: Mapping[str, torch.Tensor]) -> dict[str, Array]:
        """The last host part's outputs as the model returns them."""
        epilogue = self.deployment.epilogue
        static = {name: epilogue.nodes[value].type.static for name, value in epilogue.outputs.items()}
        own = {name: value[0] if static[name] else self.order.output(name, value) for name, value in outputs.items()}
        return {self.called(name): value.numpy() for name, value in own.items()}

    def __repr__(self) -> str:
        """Three lines: where it runs, what goes in and comes out, how large it is."""
        chip = self.deployment.chip
        neurons = sum(node.type.size for node in chip.nodes.values() if node.op.family == "neuron")
        inputs = ", ".join(f"{name} {kind}" for name, kind in self.inputs.items())
        outputs = ", ".join(f"{name} {kind}" for name, kind in self.outputs.items())
        arithmetic = "integers" if chip.is_integer else "floats"
        head = f"Program {self.name} -> {self.target}, {arithmetic}, profile {self.profile.name}"
        size = f"{len(self.populations)} populations of the model, {neurons:,} neurons on the chip"
        return f"{head}\n  T = {self.steps or 'any'}; inputs {inputs}; outputs {outputs}\n  {size}"

    def called(self, name: str) -> str:
        """What the user calls an input or output."""
        return self.names.get(name, name)
