"""One part of a network from what the user handed over to a program that runs: import, check of the import, pipeline, engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from backends.targets import REFERENCE
from compile.command.progress import Progress
from compile.stages.host_inputs import host_inputs
from compile.stages.module_classes import layer_classes
from compile.stages.options import Options
from compile.stages.program import Program
from compile.stages.source import Part, Source
from compile.stages.window_length import ImportedLengths, repeated, timeless
from frontend.input_domain import input_domains, shown_values
from frontend.netx.network import IntegerNetwork
from frontend.netx.neuron import DECAY_BITS, SHIFT, STATE_BITS
from frontend.netx.slayer import is_slayer, read_slayer
from frontend.nir.round_trip.from_nir import through_nir
from frontend.nir.round_trip.to_nir import to_nir
from frontend.recording.axis_order import TIME_FIRST, AxisOrder
from frontend.tracing.import_check import ImportCheck, check_import
from frontend.tracing.trace import trace_in_order
from frontend.tracing.untouched import left_as_it_was
from ir.deployment import Context, Deployment
from ir.errors import CompileError
from ir.graph import Graph
from ir.pipeline import run
from ir.profile import Profile
from ir.text import graph_text
from ir.types import Domain

LENGTHS = 16
"""Lengths of windows of which the imports are kept."""


@dataclass(frozen=True)
class Build:
    """One compiled part."""

    part: Part
    source: Graph
    """The network as it was imported."""
    imported: ImportCheck | None
    """The import compared with the torch module; None where there is none."""
    program: Program
    """What runs on the target."""
    floating: Program
    """The lowered network in the source's own arithmetic, on the reference; the integers themselves where it never was floats."""
    texts: Mapping[str, str]
    """Pass -> the texts of the graphs after it, in order."""
    classes: Mapping[str, str]
    """Layer -> the classes of the modules that feed it and of its own."""

    @property
    def nir(self) -> Any:
        """The network as it was imported as a NIR graph, which holds everything."""
        return to_nir(self.source)

    @property
    def deployment(self) -> Deployment:
        """What the passes found out about the part."""
        return self.program.deployment

    def at(self, steps: int) -> Build:
        """The part for windows of another length; CompileError where its chip would be another one."""
        if not self.source.steps or steps == self.source.steps:
            return self
        program, floating, lengths = self.program.at(steps), self.floating.at(steps), self.program.lengths
        assert isinstance(lengths, ImportedLengths)
        return replace(self, source=lengths.graph_at(steps), program=program, floating=floating)

    def source_inputs(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Checked inputs as the source network takes them: integers where it is one of integers itself."""
        if not self.source.is_integer:
            return self.program.host_inputs(inputs)
        return {name: value.astype(np.int64) for name, value in self.program.chip_inputs(inputs).items()}


@dataclass(frozen=True)
class _Imported:
    """A network as the pipeline takes it."""

    deployment: Deployment
    level: str
    check: ImportCheck | None = None
    order: AxisOrder = TIME_FIRST
    graph_at: Callable[[int], Graph] | None = None
    """The network at another number of steps; None where it has no steps of its own."""


def build_part(part: Part, source: Source, options: Options, profile: Profile, progress: Progress) -> Build:
    """Compile one part; CompileError or DeployError says what the user can do where it does not work."""
    place, texts = options.place, dict[str, str]()

    def keep(pass_name: str, deployment: Deployment) -> None:
        progress.lap(pass_name)
        texts[pass_name] = deployment_text(deployment)
        progress.lap("text")

    with progress.stage(f"{part.name}: import"):
        imported = _import(part, source, options, profile, progress)
        graph = imported.deployment.chip
        texts["import"] = graph_text(graph)
    names = source.reading.names if source.reading else dict[str, str]()
    with progress.stage(f"{part.name}: compile"):
        integers = options.precision == "int"
        order = imported.order
        prologue, rounds = imported.deployment.prologue, integers and imported.level != "quantized"
        calibration = host_inputs(prologue, names, part.calibration, part.name, order) if rounds else {}
        context = Context(profile, options.lower, calibration, place.check)
        deployment = run(imported.deployment, context, imported.level, integers, place.passes, keep)
        _check_neurons(part, deployment)
        lengths = None
        if imported.graph_at is not None:
            at_length, floats_too = lru_cache(LENGTHS)(imported.graph_at), replace(context, rounds=integers)
            lengths = ImportedLengths(graph, at_length, floats_too, place.passes)
        engine = place.engine_of(deployment.chip, profile, options.emission)
        program = Program(part.name, place.name, deployment, engine, profile, options.emission, names, order, lengths)
    classes = layer_classes(part.network, graph, deployment.chip)
    return Build(part, graph, imported.check, program, floating_program(program), texts, classes)


def deployment_text(deployment: Deployment) -> str:
    """The three graphs one after another, and the schedule once there is one."""
    texts = [graph_text(graph) for graph in (deployment.prologue, deployment.chip, deployment.epilogue)]
    plan = deployment.schedule
    if plan is not None:
        depths = "".join(f"  %{name} at depth {depth}\n" for name, depth in plan.depth.items())
        texts.append(
            f"schedule latency={plan.latency} micro_steps={plan.micro_steps} loop_steps={plan.loop_steps}\n{depths}"
        )
    return "\n".join(texts)


def floating_program(program: Program) -> Program:
    """The lowered network in the source's own arithmetic, on the reference; the program itself where it never was floats."""
    deployment = program.deployment
    if deployment.floating is not None:
        deployment = replace(deployment, chip=deployment.floating, scales={}, membranes={})
    return replace(program, deployment=deployment).on(REFERENCE)


def _import(part: Part, source: Source, options: Options, profile: Profile, progress: Progress) -> _Imported:
    """The part as graphs, checked against the torch module where there is one."""
    if isinstance(part.network, IntegerNetwork) or is_slayer(part.network):
        _check_integer_options(part, options, profile)
        network = part.network if isinstance(part.network, IntegerNetwork) else _from_slayer(part)
        scales = {network.readout: network.scale} if network.readout else {}
        return _Imported(replace(network.deployment, scales=scales), "quantized")
    if isinstance(part.network, Graph):
        at = partial(timeless, part.network) if part.network.steps else None
        return _Imported(Deployment.of(part.network), "source", graph_at=at)
    example = dict(part.calibration)
    domains = _domains(part, source.static, options.domains)
    traced = trace_in_order(part.network, example, source.static, source.steps, part.name, source.batch_first, domains)
    progress.lap("trace")
    graph, _ = through_nir(traced.graph)  # so that the interchange file holds everything
    progress.lap("nir")
    check = check_import(part.network, graph, example, traced.order)
    progress.lap("check the import")
    at = partial(_module_at, part, source, traced.order, domains)
    return _Imported(Deployment.of(graph), "source", check, traced.order, at)


def _module_at(part: Part, source: Source, order: AxisOrder, domains: Mapping[str, Domain], steps: int) -> Graph:
    """A module imported at another number of steps, and checked there."""
    example = repeated(part.calibration, source.static, 1 if order.batch_first else 0, steps)
    with left_as_it_was(part.network), source.running():
        module = part.network.eval()
        traced = trace_in_order(module, example, source.static, steps, part.name, order.batch_first, domains)
        if traced.order != order:
            what = f"with {steps} steps its outputs have other axes"
            raise CompileError("import.outputs", what, where=part.name)
        graph, _ = through_nir(traced.graph)
        check_import(module, graph, example, order)
    return graph


def _domains(part: Part, static: tuple[str, ...], stated: Mapping[str, str]) -> dict[str, Domain]:
    """What every input takes that changes in time: what the user states, else what all samples show that there are."""
    shown = shown_values(part.calibration, static)
    if part.example is not part.calibration:
        more = shown_values(part.example, static)
        shown = {name: np.append(array, more.get(name, ())) for name, array in shown.items()}
    return input_domains({name: text for name, text in stated.items() if name in part.calibration}, shown)


def _check_integer_options(part: Part, options: Options, profile: Profile) -> None:
    """Refuse what makes no sense for a network that is integers from the start."""
    if options.precision != "int":
        what = "the network is integers already, and nothing says which real numbers they stand for"
        raise CompileError("options.precision", what, where=part.name, hint="use --precision int")
    if options.lower:
        what = "the network is synapses and neurons already"
        raise CompileError("options.lower", what, where=part.name, hint="leave it out")
    widths, needed = profile.arithmetic, (DECAY_BITS, STATE_BITS, SHIFT)
    if (widths.decay_bits, widths.state_bits, widths.activation_shift) != needed:
        what = f"profile {profile.name} computes with other integers than the network: not {needed} for decays, states, shift"
        raise CompileError("options.profile", what, where=part.name, hint="use a profile of Loihi")


def _from_slayer(part: Part) -> IntegerNetwork:
    """A SLAYER module with its one input."""
    if len(part.calibration) != 1:
        what = f"the network takes {len(part.calibration)} inputs, not one"
        raise CompileError("slayer.inputs", what, where=part.name)
    ((name, inputs),) = part.calibration.items()
    return read_slayer(part.network, part.name, np.asarray(inputs), name)


def _check_neurons(part: Part, deployment: Deployment) -> None:
    """A module without neurons is no spiking network; a NIR file may hold one layer for the host."""
    if not deployment.chip.nodes and not isinstance(part.network, Graph):
        what = f"the network {part.name} has no spiking neurons"
        raise CompileError("build.neurons", what, where=part.name)
