"""The straight line from a network to a report, and `compile_model`, which stops at the program."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from torch import nn

from backends.targets import DEFAULT
from compile.command.progress import ErrorStream, Progress
from compile.compiled_program import CompiledProgram, emitted_file
from compile.energy import Activity
from compile.measure.metric import same_names
from compile.measure.test_set import run_test_set, tried_names
from compile.output.atomic_folder import check_folder
from compile.report.conditions import QUANTITIES, check_names, parse_condition
from compile.report.inference import inference
from compile.report.part_report import part_report, published_table
from compile.report.report import Metrics, Report
from compile.report.write import check_parts, write_all
from compile.stages.batches import batches_of
from compile.stages.build import Build, build_parts
from compile.stages.load import load_source
from compile.stages.options import Options
from compile.stages.origin import Origin
from compile.stages.source import Example, Source
from frontend.tracing.untouched import left_as_it_was
from frontend.user_errors import user_objects
from ir.errors import CompileError

if TYPE_CHECKING:
    from compile.benchmark.table import Benchmark


def compile_model(
    network: Any,
    target: str = DEFAULT,
    *,
    emission: str | None = None,
    precision: str = "int",
    profile: str | Path | None = None,
    config: str | None = None,
    part: str | None = None,
    weights: str | Path | None = None,
    lower: Mapping[str, str] | None = None,
    phases: int | None = None,
    fit: str = "refuse",
    map_for: Literal["plain", "cores", "time", "energy"] = "plain",
    dt: float | None = None,
    semantics: Any = None,
    domains: Mapping[str, str] | None = None,
    example: Any = None,
    static: tuple[str, ...] = (),
    steps: int = 0,
    batch_first: bool | None = None,
) -> CompiledProgram:
    """
    Compile one network to a program. A torch module is left as it was: its mode, hooks, states and the random numbers.

    Args:
        network: a model file, .nir or .net path, a torch module, or a NIR graph.
        target: "loihi" (Lava processes) or "gpu" (the torch reference, on CUDA where there is one); `--list targets`.
        emission: of target "loihi", "fused" (few processes of our own, fast; the default), "stock" (Lava's own, as shipped) or
            "mapped" (one process of our own per core of the map).
        precision: "int" for the chip's integers, "float" for the source's own arithmetic.
        profile: hardware profile by name, or a TOML file; by default the target's own.
        config, part, weights: of a model file, one of its configurations, one of its parts, another checkpoint.
        lower: operation or module path -> lowering strategy, e.g. {"attention": "graded-b"}.
        phases: refuse a network that the chip runs in more phases, with the host in between; by default as many as it takes.
        fit: "refuse" a network that exceeds limits of the profile's cores, or "warn" of it.
        map_for: "cores", "time" or "energy", by which measured spikes spread the network over cores; "plain" is faster.
        dt, semantics: of NIR, the time step in the file's unit, and how the file is meant.
        domains: input -> "spike", "count<3>" (whole numbers from 0 to 3) or "real", where its example does not show it.
        example: for a bare module or graph: inputs by name, or one array; (T, B, *shape), or (B, *shape) if `static`.
        static: names of the inputs that carry no time axis; by default all, of a module that repeats them itself.
        steps: T, for a bare module whose inputs are all static.
        batch_first: whether a module's inputs are (B, T, *shape); by default that is found out: the axis along which its neurons
            step is time.

    Raises:
        CompileError: what the user can mend; its subclass DeployError where the target cannot run the network.
    """
    settings = Options(
        target=target,
        emission=emission,
        precision=precision,
        profile=profile,
        config=config,
        part=part,
        weights=weights,
        dt=dt,
        semantics=semantics,
        domains=domains or {},
        batch_first=batch_first,
        lower=lower or {},
        phases=phases,
        fit=fit,
        map_for=map_for,
    )
    settings.place.require()
    hardware, modules = settings.hardware(), [network] if isinstance(network, nn.Module) else []
    with user_objects(), left_as_it_was(*modules):
        source = load_source(network, settings, Example(example, static, steps))
        if len(source.parts) != 1:
            hint = f"choose one with part=: {', '.join(each.name for each in source.parts)}"
            raise CompileError("options.part", f"{source.name} has several parts", hint=hint)
        with source.running():
            (build,) = build_parts(source.parts, source, settings, hardware, Progress(quiet=True))
    return CompiledProgram.of(build.program, Origin(build, source, settings))


def compile_network(network: str | Path, options: Options, progress: Progress | None = None) -> Report:
    """What the command line does: compile every part, run it, check it, measure it, report it, and write the files."""
    progress, profile = progress or Progress(), options.hardware()
    prices = options.price_profiles(profile)
    conditions = [parse_condition(text) for text in options.fail_if]
    source = _source(network, options, progress)
    if options.out is not None:
        check_parts([part.name for part in source.parts], options.out)
    names = _metric_names(source, options)
    check_names(conditions, metrics=names)
    with source.running():
        builds = build_parts(source.parts, source, options, profile, progress)
        if names is None and any(condition.name not in QUANTITIES for condition in conditions):
            check_names(conditions, metrics=tried_names(source.task, builds))
        emitted = [emitted_file(build.program, options.emit) if options.emit else None for build in builds]
        examples = [batches_of(build.program, build.part.example) for build in builds]
        metrics, test_set = _metrics(source, builds, options, progress)
        parts = tuple(
            part_report(build, source, batches, progress, prices, test_set.get(build.part.name), options.check)
            for build, batches in zip(builds, examples, strict=True)
        )
    parts = tuple(replace(part, emitted=file) for part, file in zip(parts, emitted, strict=True))
    energy = inference(parts, source.follow_up, prices, metrics.pairs_per_s)
    report = Report(source, options, profile.name, parts, energy, metrics, progress.seconds, str(network))
    if options.dump:
        _print_texts(builds)
    if options.out is None:
        return report
    with progress.stage("write"):
        return write_all(report, options.out)


def benchmark_network(network: str | Path, options: Options) -> Benchmark:
    """What `--bench` does: compile every part, take its time, and write benchmark.md and benchmark.json where `out` says."""
    from compile.benchmark.machine import machine
    from compile.benchmark.network import benchmark_part
    from compile.benchmark.table import Benchmark, Table, check_benchmark, write_benchmark

    progress, profile = Progress(), options.hardware()
    source = _source(network, options, progress)
    if options.out is not None:
        check_benchmark(options.out)
    with source.running():
        builds = build_parts(source.parts, source, options, profile, progress)
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
    with (
        progress.stage("load"),
        redirect_stdout(ErrorStream()),
    ):  # a user's file and libraries print when they are imported
        source = load_source(network, options)
        published_table(source)
        if options.inputs is not None:
            source = source.with_inputs(options.inputs, whole=options.part is None)
            if options.samples != Options.samples:
                idle = f"--samples {options.samples} has no effect beside --inputs: all samples of the file are run"
                source = replace(source, remarks=(*source.remarks, idle))
    return source


def _metrics(
    source: Source, builds: list[Build], options: Options, progress: Progress
) -> tuple[Metrics, Mapping[str, Activity]]:
    """
    The task's metrics and examples, and what the parts did on its samples, where the network has a task, all of it was compiled,
    and its own inputs are run.

    An error of the task is kept, not raised: all else that is found out stays.
    """
    if not _has_metrics(source, options):
        return Metrics(), {}
    samples, values = "the whole test set", dict[str, dict[str, float]]()
    with progress.stage("whole test set"):
        try:
            test_set = run_test_set(source.task, builds, progress.quiet)
        except CompileError as error:
            return Metrics(samples=samples, error=error), {}
        try:
            start = perf_counter()
            compiled = source.task.metrics(test_set.outputs["compiled"])
            speed = test_set.pairs / (perf_counter() - start)
            others = {kind: source.task.metrics(test_set.outputs[kind]) for kind in ("source", "float")}
            values = same_names({**others, "compiled": compiled})
            examples = source.task.examples(test_set.outputs["compiled"])
            return Metrics(values, samples, examples=examples, pairs_per_s=speed), test_set.activities
        except CompileError as error:
            return Metrics(values, samples, error), test_set.activities


def _metric_names(source: Source, options: Options) -> tuple[str, ...] | None:
    """The names of the metrics that will be measured; None where the task does not say them beforehand."""
    return source.task.metric_names if _has_metrics(source, options) else ()


def _has_metrics(source: Source, options: Options) -> bool:
    """Whether the task's metrics are measured."""
    return source.task is not None and options.part is None and options.inputs is None


def _print_texts(builds: list[Build]) -> None:
    for build in builds:
        for name, text in build.texts.items():
            print(f"; {build.part.name} after {name}\n{text}")
