"""One compiled part on its target, against its twin and against the source's own arithmetic, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from backends.host import HostEngine
from backends.sanafe.checks import check_engine
from backends.targets import target
from backends.trace import Array, Engine, Events, Trace
from compile.command.progress import Progress
from compile.energy.formula.operations import operations
from compile.energy.formula.rates import RateMeter, Rates
from compile.measure.first_sample import FirstSample, first_sample
from compile.measure.in_pieces.piecewise import piecewise
from compile.measure.spike_match import SpikeMatch, added_up, match_spikes
from compile.measure.timing import ChipTime, timing
from compile.measure.verdict import Verdict, compare
from compile.stages.batches import Batch
from compile.stages.build import Build
from compile.stages.host_inputs import steps_of
from compile.stages.phase import Phase, with_engines
from compile.stages.program import Program
from compile.stages.samples import join_samples
from ir.errors import CompileError
from ir.interpreter import interpret

ALL_POPULATIONS_LIMIT = 50_000_000
"""Neurons x steps x samples up to which the gates that lowering added are compared too, one by one."""
Outputs = Mapping[str, Array]


@dataclass(frozen=True)
class Run:
    """A part's run on the target; of the populations' spikes only what was counted is kept."""

    outputs: Outputs
    """Of the compiled network, all samples."""
    events: Events
    verdict: Verdict
    """The target against its twin, every population and step."""
    matches: Mapping[str, SpikeMatch]
    """Population that spikes -> what the integers kept of its spikes, lost and added."""
    rates: Rates
    """Activity of the source network's values."""
    others: Mapping[str, Outputs] = field(default_factory=dict[str, Outputs])
    """The same samples through the imported network ("source") and the lowered one in its arithmetic ("float")."""
    labels: Array | None = None
    """(B, ...), where there are labels."""
    third: Verdict | None = None
    """The target against a third engine, on the first batch; None where none was asked for."""
    timing: ChipTime | None = None
    """What steps and samples of the first batch take on the chip; None where the profile has no times, or nothing is mapped."""
    first: FirstSample = field(default_factory=FirstSample)
    """What the first sample did."""

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All of them."""
        return (self.verdict,) if self.third is None else (self.verdict, self.third)


def run_part(build: Build, batches: Iterable[Batch], progress: Progress, check: str | None = None) -> Run:
    """
    Run the samples on the target, check it against its twin, and measure what the integers changed.

    Args:
        check: a third engine to check the first batch with, see `backends.sanafe.checks`.

    Raises:
        CompileError: there is no batch, only some have labels, the network cannot run the steps of one, or the third engine
            cannot run.
    """
    meter, runs = RateMeter(build.source), list[_BatchRun]()
    if check is not None:
        on_third_engine(build.program, check)  # refuses before it takes time
    with progress.stage(f"{build.part.name}: run on {engine_text(build.program)}, compare spike by spike"):
        for batch in batches:
            runs.append(_run_batch(build, batch, len(runs), meter, progress, None if runs else check))
            _check_batch(build, runs)
    if not runs:
        raise CompileError("report.samples", "there are no samples", where=build.part.name)
    return _joined(build, runs, meter.rates)


@dataclass(frozen=True)
class _BatchRun:
    """What is kept of a batch."""

    outputs: Mapping[str, Outputs]
    """Of "compiled", "float" and "source"."""
    events: Events
    verdict: Verdict | None
    matches: Mapping[str, SpikeMatch]
    labels: Array | None
    third: Verdict | None = None
    timing: ChipTime | None = None
    first: FirstSample = field(default_factory=FirstSample)


def _run_batch(
    build: Build, batch: Batch, number: int, meter: RateMeter, progress: Progress, check: str | None
) -> _BatchRun:
    """Run one batch, the `number`-th from 0, of any number of steps: a slow twin looks at the first alone."""
    prologue = build.program.deployment.prologue
    steps = steps_of(prologue, build.program.host_inputs(batch.inputs))
    build = of_length(build, steps)
    program = build.program
    trace, verdict = _checked(program, steps, batch, number, progress)
    third = None if check is None else _third_verdict(on_third_engine(program, check), batch, trace, progress)
    floating = build.floating.run(batch.inputs)
    outputs: dict[str, Outputs] = {kind: floating.outputs for kind in ("source", "float")}
    outputs["compiled"] = trace.outputs
    source = interpret(build.source, build.source_inputs(batch.inputs), meter)
    if not build.source.is_integer:
        outputs["source"] = {program.called(name): _plain(build, name, value) for name, value in source.items()}
    progress.lap("compare")
    timed = None if number else timing(program, trace)
    progress.lap("timing")
    shown = FirstSample() if number else _shown(program, batch, trace, floating)
    return _BatchRun(outputs, trace.events, verdict, match_spikes(floating, trace), batch.labels, third, timed, shown)


def _shown(program: Program, batch: Batch, trace: Trace, floating: Trace) -> FirstSample:
    """What of the first batch is kept for pictures."""
    sample = first_samples(program, batch.inputs, 1)
    return first_sample(trace, floating, program.populations, sample)


def _checked(
    program: Program, steps: int, batch: Batch, number: int, progress: Progress
) -> tuple[Trace, Verdict | None]:
    """The batch on the target, and whether its twin agrees: piece by piece where the whole finds no memory."""
    probes = probed(program, batch.samples)
    pieces = piecewise(program, steps, batch.samples, probes)
    if pieces is not None:
        progress.note(pieces.coverage.text())
        ran = pieces.run(batch.inputs, probes)
        progress.lap("run")
        return ran
    trace = program.run(batch.inputs, probes)
    progress.lap("run")
    slow = target(program.target).twin.samples is not None
    return trace, _verdict(program, batch.inputs, trace, probes) if number == 0 or not slow else None


def of_length(build: Build, steps: int) -> Build:
    """The build for windows of `steps` steps; CompileError where it cannot run them, or does other operations in them."""
    other = build.at(steps)
    names = [[operation.operands for operation in operations(each.source)] for each in (build, other)]
    if names[0] != names[1]:
        what = f"at {steps} steps other operations are counted than at {build.source.steps}"
        hint = f"compile the network with an example of {steps} steps, and report windows of one length"
        raise CompileError("report.steps", what, where=build.part.name, hint=hint)
    return other


def _plain(build: Build, name: str, value: Any) -> Array:
    """An output of the interpreter in the layout of a program's."""
    static = build.source.nodes[build.source.outputs[name]].type.static
    return np.asarray(value[0] if static else build.program.order.output(name, value))


def _check_batch(build: Build, runs: list[_BatchRun]) -> None:
    first, last = runs[0], runs[-1]
    if first.labels is None or last.labels is None:
        if first.labels is not last.labels:
            raise CompileError("report.labels", "only some batches have labels", where=build.part.name)
    elif first.labels.shape[1:] != last.labels.shape[1:]:
        what = f"labels of a sample have shape {first.labels.shape[1:]} in one batch and {last.labels.shape[1:]} in another"
        raise CompileError("report.labels", what, where=build.part.name)


def _joined(build: Build, runs: list[_BatchRun], rates: Rates) -> Run:
    """All batches together."""
    types, events, matches = build.program.outputs, runs[0].events, runs[0].matches
    for run in runs[1:]:
        events, matches = events + run.events, added_up(matches, run.matches)
    verdicts, place = [run.verdict for run in runs if run.verdict is not None], 0
    verdict = verdicts[0]
    for run, more in zip(runs, verdicts[1:], strict=False):
        place += run.events.samples
        verdict = verdict.joined(more, place)
    outputs = {
        kind: join_samples([run.outputs[kind] for run in runs], types, build.program.order) for kind in runs[0].outputs
    }
    labels = [run.labels for run in runs if run.labels is not None]
    joined = np.concatenate(labels) if labels else None
    first, compiled = runs[0], outputs.pop("compiled")
    return Run(compiled, events, verdict, matches, rates, outputs, joined, first.third, first.timing, first.first)


def _verdict(program: Program, inputs: Mapping[str, Any], trace: Trace, probes: tuple[str, ...]) -> Verdict:
    """The target against its twin: on all samples, or on a few where the twin is a slow definition."""
    place, chip = target(program.target), program.deployment.chip
    twin = replace(program, phases=with_engines(program.phases, lambda phase: place.twin_of(phase.deployment.chip)))
    if not (chip.is_integer or place.twin.sums_alike):
        probes = program.populations  # real payloads differ in the last bit by the order of summation; spikes do not
    if place.twin.samples is not None:
        inputs = first_samples(program, inputs, place.twin.samples)
        trace = program.run(inputs, probes)
    return compare(place.twin.title, trace, twin.run(inputs, probes))


def on_third_engine(program: Program, check: str) -> Program:
    """The program on the engine that `check` names; DeployError where that cannot run it."""
    make = check_engine(check)

    def engine_of(phase: Phase) -> Engine:
        chip = phase.deployment.chip
        return make(chip, program.profile, program.cores_of(phase)) if chip.nodes else HostEngine()

    return replace(program, phases=with_engines(program.phases, engine_of))


def _third_verdict(third: Program, batch: Batch, trace: Trace, progress: Progress) -> Verdict:
    """The target against a third engine, on all that was probed."""
    found = third.run(batch.inputs, tuple(trace.emissions))
    progress.lap("third engine")
    return compare(engine_text(third), trace, found)


def first_samples(program: Program, inputs: Mapping[str, Any], samples: int) -> dict[str, Any]:
    """The first samples of checked inputs, in the inputs' own layout."""
    host = {program.names.get(name, name): value[:, :samples] for name, value in program.host_inputs(inputs).items()}
    return {name: value if program.inputs[name].static else program.order.input(value) for name, value in host.items()}


def engine_text(program: Program) -> str:
    """What runs the chip graph, in words."""
    return program.engine.describe()


def probed(program: Program, samples: int) -> tuple[str, ...]:
    """Every population where that many samples of it fit into memory, else the model's own."""
    chip = program.deployment.chip
    neurons = {node.name: node.type.size for node in chip.nodes.values() if node.op.family == "neuron"}
    small = sum(neurons.values()) * max(chip.steps, 1) * samples <= ALL_POPULATIONS_LIMIT
    return tuple(neurons) if small else program.populations
