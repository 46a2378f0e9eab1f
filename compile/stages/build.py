"""One part of a network through all stages: trace, import check, lowering, integers, engine. The straight line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backends.trace import Array
from compile.command.progress import Progress
from compile.stages.build_integers import build_integers
from compile.stages.built import Build
from compile.stages.engines import engine_of
from compile.stages.options import Options
from compile.stages.program import Program
from compile.stages.source import Part, Source
from frontend.netx.network import IntegerNetwork
from frontend.netx.slayer import is_slayer
from frontend.nir.round_trip.from_nir import from_nir
from frontend.nir.round_trip.to_nir import to_nir
from frontend.tracing.import_check import ImportCheck, check_import
from frontend.tracing.trace import trace_module
from hw_profiles import Profile
from ir.analysis.schedule import schedule
from ir.deployment import Deployment
from ir.errors import CompileError
from ir.graph import Graph
from ir.pipeline import lower
from ir.quantize.calibration import observe
from ir.quantize.network import quantizable, quantize_calibrated
from ir.text import graph_text
from ir.verify import verify


def build_part(part: Part, source: Source, options: Options, profile: Profile, progress: Progress) -> Build:
    """Compile one part; CompileError or DeployError says what the user can do where it does not work."""
    if isinstance(part.network, IntegerNetwork) or is_slayer(part.network):
        return build_integers(part, source, options, profile, progress)
    texts: dict[str, str] = {}

    def keep(pass_name: str, graphs: Mapping[str, Graph]) -> None:
        progress.lap(pass_name)
        texts[pass_name] = "\n".join(graph_text(graph) for graph in graphs.values())
        progress.lap("text")

    with progress.stage(f"{part.name}: import"):
        graph, nir_graph = _import(part, source, progress)
        keep("import", {"source": graph})
    with progress.stage(f"{part.name}: check the import"):
        imported = _check(part, graph)
    with progress.stage(f"{part.name}: lower to synapses"):
        deployment = lower(graph, profile.features, dict(options.lower), keep)
        _check_neurons(part, deployment)
        plan = schedule(deployment.chip)
        progress.lap("schedule")
    names = source.reading.names if source.reading else {}
    floating = Program(
        part.name,
        options.target,
        deployment,
        engine_of(deployment.chip, options, options.precision == "float"),
        names=names,
    )
    integer, report = None, None
    if options.precision == "int" and deployment.chip.nodes:
        with progress.stage(f"{part.name}: quantise"):
            chip = quantizable(deployment.chip, profile.arithmetic, profile.features)
            seen = observe(chip, _calibration(floating, part))
            progress.lap("calibrate")
            chip, report = quantize_calibrated(chip, profile.arithmetic, seen)
            verify(chip, "quantized")
            keep("quantize", {"chip": chip})
        whole = Deployment(deployment.prologue, chip, deployment.epilogue)
        integer = Program(part.name, options.target, whole, engine_of(chip, options, True), report.scales, names)
    return Build(part, graph, nir_graph, imported, floating, integer, report, plan, texts)


def _import(part: Part, source: Source, progress: Progress) -> tuple[Graph, Any]:
    """The IR graph as it is read back from the NIR graph, so that the interchange file holds everything."""
    if isinstance(part.network, Graph):
        return part.network, to_nir(part.network)
    traced = trace_module(part.network, dict(part.calibration), source.static, source.steps, part.name)
    progress.lap("trace")
    nir_graph = to_nir(traced)
    graph = from_nir(nir_graph)
    assert graph == traced, "the NIR graph lost something of the traced network"
    return graph, nir_graph


def _check_neurons(part: Part, deployment: Deployment) -> None:
    """A module without neurons is no spiking network; a NIR file may hold one layer for the host."""
    if not deployment.chip.nodes and not isinstance(part.network, Graph):
        raise CompileError("build.neurons", f"the network {part.name} has no spiking neurons", where=part.name)


def _check(part: Part, graph: Graph) -> ImportCheck | None:
    """The imported graph against the torch module on the example inputs; nothing to compare with for a NIR graph."""
    return None if isinstance(part.network, Graph) else check_import(part.network, graph, dict(part.calibration))


def _calibration(program: Program, part: Part) -> dict[str, Array]:
    """What the chip inputs look like on the example inputs: (T, B, *shape) real values."""
    return program.chip_inputs(part.calibration)
