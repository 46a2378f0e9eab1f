"""The straight line from a network to a report, and `compile_model`, which stops at the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from backends.targets import DEFAULT
from compile.command.progress import Progress
from compile.energy import PUBLISHED_TABLES, EnergyReport, PublishedTable, energy_report, missing_prices
from compile.measure.layers import layer_summaries
from compile.measure.occupancy import occupancy
from compile.measure.run import Run, run_part
from compile.measure.test_set import measure_test_set
from compile.output.atomic_folder import check_folder
from compile.output.write import write_all
from compile.report.report import PartReport, Report
from compile.stages.build import Build, build_part
from compile.stages.load import load_source
from compile.stages.options import Options
from compile.stages.program import Program
from compile.stages.source import Example, Source
from frontend.tracing.untouched import left_as_it_was
from ir.errors import CompileError
from ir.profile import Profile

if TYPE_CHECKING:
    from compile.benchmark.table import Benchmark


def compile_model(
    network: Any,
    target: str = DEFAULT,
    *,
    precision: str = "int",
    profile: str | Path | None = None,
    config: str | None = None,
    part: str | None = None,
    weights: str | Path | None = None,
    lower: Mapping[str, str] | None = None,
    dt: float | None = None,
    semantics: Any = None,
    example: Any = None,
    static: tuple[str, ...] = (),
    steps: int = 0,
) -> Program:
    """
    Compile one network to a program. A torch module is left as it was: its mode, hooks, states and the random numbers.

    Args:
        network: a model file, .nir or .net path, a torch module, or a NIR graph.
        target: "loihi" (Lava processes) or "gpu" (the torch reference, on CUDA where there is one); `--list targets`.
        precision: "int" for the chip's integers, "float" for the source's own arithmetic.
        profile: hardware profile by name, or a TOML file; by default the target's own.
        config, part, weights: of a model file, one of its configurations, one of its parts, another checkpoint.
        lower: operation or module path -> lowering strategy, e.g. {"attention": "graded-b"}.
        dt, semantics: of NIR, the time step in the file's unit, and how the file is meant.
        example: for a bare module or graph: inputs by name, or one array; (T, B, *shape), or (B, *shape) if `static`.
        static: names of the inputs that carry no time axis.
        steps: T, for a bare module whose inputs are all static.

    Raises:
        CompileError: what the user can mend; its subclass DeployError where the target cannot run the network.
    """
    settings = Options(
        target=target,
        precision=precision,
        profile=profile,
        config=config,
        part=part,
        weights=None if weights is None else Path(weights),
        dt=dt,
        semantics=semantics,
        lower=lower or {},
    )
    settings.place.require()
    hardware, modules = settings.hardware(), [network] if isinstance(network, nn.Module) else []
    with left_as_it_was(*modules):
        source = load_source(network, settings, Example(example, static, steps))
        if len(source.parts) != 1:
            hint = f"choose one with part=: {', '.join(each.name for each in source.parts)}"
            raise CompileError("options.part", f"{source.name} has several parts", hint=hint)
        with source.running():
            return build_part(source.parts[0], source, settings, hardware, Progress(quiet=True)).program


def compile_network(network: str | Path, options: Options) -> Report:
    """What the command line does: compile every part, run it, check it, measure it, report it, and write the files."""
    progress, profile = Progress(), options.hardware()
    source = _source(network, options, progress)
    with source.running():
        builds = [build_part(part, source, options, profile, progress) for part in source.parts]
        parts = tuple(_measured(build, source, profile, progress) for build in builds)
        metrics = _metrics(source, builds, options, progress)
    report = Report(source, options, profile.name, parts, metrics, progress.seconds)
    if options.dump:
        _print_texts(builds)
    if options.out is None:
        return report
    with progress.stage("write"):
        return replace(report, files=write_all(report, options.out))


def benchmark_network(network: str | Path, options: Options) -> Benchmark:
    """What `--bench` does: compile every part, take its time, and write benchmark.md and benchmark.json where `out` says."""
    from compile.benchmark.machine import machine
    from compile.benchmark.network import benchmark_part
    from compile.benchmark.table import Benchmark, Table, write_benchmark

    progress, profile = Progress(), options.hardware()
    source = _source(network, options, progress)
    with source.running():
        builds = [build_part(part, source, options, profile, progress) for part in source.parts]
        if options.dump:
            _print_texts(builds)
        described, tables = machine(), list[Table]()
        for build in builds:
            with progress.stage(f"{build.part.name}: benchmark"):
                tables.append(benchmark_part(build, source))
    benchmark = Benchmark(described, tables)
    if options.out is not None:
        write_benchmark(options.out, benchmark)
    return benchmark


def _source(network: str | Path, options: Options, progress: Progress) -> Source:
    """Read the network with the inputs to run; what cannot end well is refused before it takes time."""
    if options.out is not None:
        check_folder(options.out)
    options.place.require()
    with progress.stage("load"):
        source = load_source(network, options)
        _published(source)
        if options.inputs is not None:
            source = source.with_inputs(options.inputs, whole=options.part is None)
    return source


def _measured(build: Build, source: Source, profile: Profile, progress: Progress) -> PartReport:
    """Run a part and account for it."""
    run = run_part(build, build.part.example, progress)
    chip = build.program.deployment.chip
    return PartReport(
        build,
        run,
        layer_summaries(chip, run.trace.events),
        occupancy(build.deployment, profile),
        _energy(build, run, source, profile),
    )


def _energy(build: Build, run: Run, source: Source, profile: Profile) -> EnergyReport | None:
    """The energy comparison; None where the profile has no price for something that happened."""
    chip, events = build.program.deployment.chip, run.trace.events
    if missing_prices(chip, events, profile):
        return None
    return energy_report(build.source, run.rates, chip, events, profile, _published(source))


def _published(source: Source) -> PublishedTable | None:
    """The paper's energy table that the model file names, if any."""
    if source.energy_table is None:
        return None
    if source.energy_table not in PUBLISHED_TABLES:
        what, hint = f"unknown ENERGY_TABLE {source.energy_table!r}", f"known: {', '.join(PUBLISHED_TABLES)}"
        raise CompileError("model.energy-table", what, where=source.name, hint=hint)
    return PUBLISHED_TABLES[source.energy_table]


def _metrics(
    source: Source, builds: list[Build], options: Options, progress: Progress
) -> Mapping[str, Mapping[str, float]]:
    """The task's metrics, where the network has a task, all of it was compiled, and its own inputs were run."""
    if source.task is None or options.part is not None or options.inputs is not None:
        return {}
    with progress.stage("whole test set"):
        return measure_test_set(source.task, builds, progress.quiet)


def _print_texts(builds: list[Build]) -> None:
    for build in builds:
        for name, text in build.texts.items():
            print(f"; {build.part.name} after {name}\n{text}")
