"""One part of a network from what the user handed over to a program that runs: import, check of the import, pipeline, engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backends.targets import REFERENCE
from compile.command.progress import Progress
from compile.stages.host_inputs import host_inputs
from compile.stages.options import Options
from compile.stages.phase import phases_of
from compile.stages.program import Program
from compile.stages.source import Part, Source
from frontend.input_domain import input_domains, shown_values
from frontend.netx.network import IntegerNetwork
from frontend.netx.neuron import DECAY_BITS, SHIFT, STATE_BITS
from frontend.netx.slayer import is_slayer, read_slayer
from frontend.nir.round_trip.from_nir import through_nir
from frontend.nir.round_trip.to_nir import to_nir
from frontend.recording.axis_order import TIME_FIRST, AxisOrder
from frontend.tracing.import_check import ImportCheck, check_import
from frontend.tracing.trace import trace_in_order
from ir.deployment import Context, Deployment
from ir.errors import CompileError
from ir.graph import Graph
from ir.interpreter import interpret
from ir.pipeline.pipeline import Hook, run
from ir.pipeline.split_phases import split_phases
from ir.profile import Profile
from ir.text import graph_text
from ir.types import Domain


@dataclass(frozen=True)
class Build:
    """One compiled part."""

    part: Part
    source: Graph
    """The network as it was imported."""
    nir: Any
    """The same as a NIR graph."""
    imported: ImportCheck | None
    """The import compared with the torch module; None where there is none."""
    program: Program
    """What runs on the target."""
    floating: Program
    """The lowered network in the source's own arithmetic, on the reference; the integers themselves where it never was floats."""
    texts: Mapping[str, str]
    """Pass -> the texts of the graphs after it, in order."""

    @property
    def deployment(self) -> Deployment:
        """What the passes found out about the part."""
        return self.program.deployment

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
    nir: Any
    check: ImportCheck | None = None
    order: AxisOrder = TIME_FIRST


def build_part(part: Part, source: Source, options: Options, profile: Profile, progress: Progress) -> Build:
    """Compile one part; CompileError or DeployError says what the user can do where it does not work."""
    place, texts = options.place, dict[str, str]()

    def keep(pass_name: str, deployment: Deployment) -> None:
        progress.lap(pass_name.rpartition(".")[2])
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
        phases = _deployments(imported, context, options, integers, keep)
        _check_neurons(part, phases)
        program = replace(_program(part, phases, options, profile, names), order=order)
    in_floats = [_in_floats(phase) for phase in phases]
    floating = replace(_program(part, in_floats, Options(REFERENCE), profile, names), order=order)
    return Build(part, graph, imported.nir, imported.check, program, floating, texts)


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


def _in_floats(deployment: Deployment) -> Deployment:
    """The lowered network in the source's own arithmetic; itself where it never was floats."""
    if deployment.floating is None:
        return deployment
    return replace(deployment, chip=deployment.floating, scales={}, membranes={})


def _deployments(
    imported: _Imported, context: Context, options: Options, integers: bool, keep: Hook
) -> tuple[Deployment, ...]:
    """Every phase through the pipeline; what an earlier one hands over on the calibration samples calibrates a later one."""
    graphs = split_phases(imported.deployment.chip) if imported.level == "source" else ()
    if options.phases is not None and len(graphs) > options.phases:
        graphs = graphs[:1]  # and the pipeline refuses what lies between neurons, by name
    passes = options.place.passes
    if len(graphs) <= 1:
        return (run(imported.deployment, context, imported.level, integers, passes, keep),)
    values, done = dict(context.calibration), list[Deployment]()
    for number, graph in enumerate(graphs, 1):
        given = {node.name: values[node.name] for node in graph.inputs} if values else {}

        def keep_phase(name: str, deployment: Deployment, phase: str = f"phase{number}") -> None:
            keep(f"{phase}.{name}", deployment)

        deployment = Deployment.of(graph)
        done.append(run(deployment, replace(context, calibration=given), "source", integers, passes, keep_phase))
        if values:
            values |= interpret(graph, given)
    return tuple(done)


def _program(
    part: Part, phases: Sequence[Deployment], to: Options, profile: Profile, names: Mapping[str, str]
) -> Program:
    made = phases_of(phases, lambda chip: to.place.engine_of(chip, profile, to.emission))
    return Program(part.name, to.target, made, profile, to.emission, names)


def _import(part: Part, source: Source, options: Options, profile: Profile, progress: Progress) -> _Imported:
    """The part as graphs, checked against the torch module where there is one."""
    if isinstance(part.network, IntegerNetwork) or is_slayer(part.network):
        _check_integer_options(part, options, profile)
        network = part.network if isinstance(part.network, IntegerNetwork) else _from_slayer(part)
        scales = {network.readout: network.scale} if network.readout else {}
        return _Imported(replace(network.deployment, scales=scales), "quantized", to_nir(network.deployment.chip))
    if isinstance(part.network, Graph):
        return _Imported(Deployment.of(part.network), "source", to_nir(part.network))
    example = dict(part.calibration)
    domains = _domains(part, source.static, options.domains)
    traced = trace_in_order(part.network, example, source.static, source.steps, part.name, source.batch_first, domains)
    progress.lap("trace")
    graph, nir_graph = through_nir(traced.graph)  # so that the interchange file holds everything
    progress.lap("nir")
    check = check_import(part.network, graph, example, traced.order)
    progress.lap("check the import")
    return _Imported(Deployment.of(graph), "source", nir_graph, check, traced.order)


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


def _check_neurons(part: Part, phases: Sequence[Deployment]) -> None:
    """A module without neurons is no spiking network; a NIR file may hold one layer for the host."""
    if not any(phase.chip.nodes for phase in phases) and not isinstance(part.network, Graph):
        what = f"the network {part.name} has no spiking neurons"
        raise CompileError("build.neurons", what, where=part.name)
