"""One part of a network from what the user handed over to a program that runs: import, check of the import, pipeline, engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from backends.targets import REFERENCE
from compile.command.progress import Progress
from compile.stages.host_inputs import host_inputs
from compile.stages.imported import Imported, import_part
from compile.stages.module_classes import layer_classes
from compile.stages.options import Options
from compile.stages.phase import Phase, phases_of
from compile.stages.program import Program
from compile.stages.source import Part, Source
from compile.stages.wanted_map import WantedMap, map_as_wanted
from compile.stages.window_length import ImportedLengths, StatedLengths, WindowLengths
from frontend.nir.round_trip.to_nir import to_nir
from frontend.tracing.import_check import ImportCheck
from ir.deployment import Context, Deployment
from ir.errors import CompileError, DeployError
from ir.graph import Graph
from ir.interpreter import interpret
from ir.lowerings.table import LOWERINGS
from ir.mapping.fit import Fit, fit
from ir.mapping.split import plain_map
from ir.pipeline.pipeline import Hook, Pass, run
from ir.pipeline.running_sums import integrate_running_sums
from ir.pipeline.split_phases import split_phases
from ir.profile import Features, Profile
from ir.text import graph_text

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
    fit: Fit | None = None
    """What the program's map asks of its cores; None where nobody asked yet."""
    wanted_map: WantedMap | None = None
    """How the map was made for an objective; None for the plain one."""
    graph_at: Callable[[int], Graph] | None = None
    """The source at another number of steps; None where nothing knows it."""

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
        program, floating = self.program.at(steps), self.floating.at(steps)
        assert self.graph_at is not None
        return replace(self, source=self.graph_at(steps), program=program, floating=floating)

    def source_inputs(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Checked inputs as the source network takes them: integers where it is one of integers itself."""
        if not self.source.is_integer:
            return self.program.host_inputs(inputs)
        return {name: value.astype(np.int64) for name, value in self.program.chip_inputs(inputs).items()}


def build_part(
    part: Part,
    source: Source,
    options: Options,
    profile: Profile,
    progress: Progress,
    imports: dict[str, Imported] | None = None,
    own_steps: bool = True,
) -> Build:
    """
    Compile one part; CompileError or DeployError says what the user can do where it does not work.

    Args:
        imports: part -> what it was imported as, of an earlier build of the same source, whatever its profile; it is added to.
        own_steps: as of a `Context`.
    """
    place, texts = options.place, dict[str, str]()

    def keep(pass_name: str, deployment: Deployment) -> None:
        progress.lap(pass_name.rpartition(".")[2])
        texts[pass_name] = deployment_text(deployment)
        progress.lap("text")

    with progress.stage(f"{part.name}: import"):
        imports = {} if imports is None else imports
        # integers are imported anew: not every chip computes with them
        if part.name not in imports or imports[part.name].level == "quantized":
            imports[part.name] = import_part(part, source, options, profile, progress)
        imported = imports[part.name]
        if imported.graph_at is not None:
            imported = replace(imported, graph_at=lru_cache(LENGTHS)(imported.graph_at))
        graph = imported.deployment.chip
        texts["import"] = graph_text(graph)
    names = source.reading.names if source.reading else dict[str, str]()
    with progress.stage(f"{part.name}: compile"):
        rounds, order = options.precision == "int" and imported.level != "quantized", imported.order
        prologue = imported.deployment.prologue
        calibration = host_inputs(prologue, names, part.calibration, part.name, order) if rounds else {}
        context = Context(profile, options.lower, calibration, options.precision == "int", own_steps)
        phases = _phases(imported, context, options, keep)
        _check_neurons(part, phases)
        program = Program(part.name, REFERENCE, phases, profile, names=names, order=order)
        fits, choice = _mapped(program, part, options)
        program = replace(program, cores=fits.cores).on(place.name, options.emission)
        progress.lap("map")
    classes = layer_classes(part.network, graph, program.deployment.chip)
    floating = floating_program(program)
    return Build(part, graph, imported.check, program, floating, texts, classes, fits, choice, imported.graph_at)


def _mapped(program: Program, part: Part, options: Options) -> tuple[Fit, WantedMap | None]:
    """The program's map; DeployError where target or profile do not allow it, of the profile unless a warning is asked for."""
    chip, profile = program.deployment.chip, program.profile
    plain = fit(chip, profile, plain_map(chip, profile))
    refused = [*options.place.check(chip, profile), *(plain.misfits if options.fit == "refuse" else ())]
    if refused:
        raise DeployError(refused)
    if options.map_for == "plain" or not plain.cores.core_of:
        return plain, None
    return map_as_wanted(program, plain, part, options.map_for)


def build_parts(
    parts: Sequence[Part],
    source: Source,
    options: Options,
    profile: Profile,
    progress: Progress,
    imports: dict[str, Imported] | None = None,
) -> list[Build]:
    """
    Compile the parts of a network; `imports` as in `build_part`.

    Raises:
        CompileError: as `build_part`, and where a lowering that was asked for has no effect in any of them.
    """
    builds = [build_part(part, source, options, profile, progress, imports) for part in parts]
    nodes = [node for build in builds for node in build.deployment.chip.nodes.values()]
    done = {step for node in nodes for step in node.provenance.passes}
    for name, strategy in options.lower.items():
        if name in LOWERINGS and f"{name}={strategy}" not in done:
            what = f"{name}={strategy} has no effect: nothing in the network is lowered so"
            raise CompileError("lower.override", what, where=source.name, hint="leave it out")
    return builds


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
    phases = tuple(replace(phase, deployment=_in_floats(phase.deployment)) for phase in program.phases)
    return replace(program, phases=phases).on(REFERENCE)


def _in_floats(deployment: Deployment) -> Deployment:
    if deployment.floating is None:
        return deployment
    return replace(deployment, chip=deployment.floating, scales={}, membranes={})


def _phases(imported: Imported, context: Context, options: Options, keep: Hook) -> tuple[Phase, ...]:
    """Every phase through the pipeline; what an earlier one hands over on the calibration samples calibrates a later one."""
    place, whole = options.place, imported.deployment.chip
    features = context.profile.features
    graphs = _cut(whole, features) if imported.level == "source" else (whole,)
    if options.phases is not None and len(graphs) > options.phases:
        graphs = (whole,)  # and the pipeline refuses what lies between neurons, by name
    values, done = dict(context.calibration), list[Deployment]()
    for number, graph in enumerate(graphs, 1):
        given = {node.name: values[node.name] for node in graph.inputs} if values else {}
        hook = keep if len(graphs) == 1 else _named(f"phase{number}", keep)
        start = Deployment.of(graph) if imported.level == "source" else imported.deployment
        here = replace(context, calibration=given)
        done.append(run(start, here, imported.level, context.rounds, place.passes, hook))
        if values and number < len(graphs):
            values |= interpret(graph, given)
    made = phases_of(done, context.profile)
    if imported.graph_at is None:
        return made
    lengths = [_lengths(imported.graph_at, graphs, number, context, place.passes) for number in range(len(graphs))]
    return tuple(replace(phase, lengths=own) for phase, own in zip(made, lengths, strict=True))


def _cut(graph: Graph, features: Features) -> tuple[Graph, ...]:
    """The phases of a network on chips with such features."""
    return split_phases(integrate_running_sums(graph) if features.programmable_neurons else graph)


def _lengths(
    graph_at: Callable[[int], Graph], graphs: Sequence[Graph], number: int, context: Context, passes: tuple[Pass, ...]
) -> WindowLengths:
    """What knows one of the phases at other numbers of steps."""
    graph = graphs[number]
    if any(node.type.steps for each in graphs for node in each.nodes.values()):
        return StatedLengths(graph.steps, obstacle="its values differ in their number of steps already")
    at = partial(_phase_at, graph_at, graphs, number, context.profile.features)
    return ImportedLengths(graph, at, context, passes)


def _named(phase: str, keep: Hook) -> Hook:
    return lambda name, deployment: keep(f"{phase}.{name}", deployment)


def _phase_at(
    graph_at: Callable[[int], Graph], graphs: Sequence[Graph], number: int, features: Features, steps: int
) -> Graph:
    """One phase of the network at another number of steps, which must have as many of them."""
    phases = _cut(graph_at(steps), features)
    if len(phases) != len(graphs):
        what = f"with {steps} steps it runs in {len(phases)} phases, not {len(graphs)}"
        raise CompileError("run.steps", what, where=graphs[number].name)
    return phases[number]


def _check_neurons(part: Part, phases: Sequence[Phase]) -> None:
    """A module without neurons is no spiking network; a NIR file may hold one layer for the host."""
    if not any(phase.deployment.chip.nodes for phase in phases) and not isinstance(part.network, Graph):
        what = f"the network {part.name} has no spiking neurons"
        hint = "neurons compare a membrane with a number, or count: v > 1, round(clamp(v, 0, D)), floor(clamp(v, 0, D))"
        raise CompileError("build.neurons", what, where=part.name, hint=hint)
