"""One compiled part on its target, against the reference and against the source's own arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from backends.targets import target
from backends.trace import Trace
from compile.command.progress import Progress
from compile.energy.rates import RateMeter, Rates
from compile.measure.verdict import Verdict, agreement, compare
from compile.stages.build import Build
from compile.stages.program import Program
from ir.interpreter import interpret

ALL_POPULATIONS_LIMIT = 50_000_000
"""Neurons x steps x samples up to which the gates that lowering added are compared too, one by one."""


@dataclass(frozen=True)
class Run:
    """A part's run on the target."""

    trace: Trace
    verdict: Verdict
    """The target against its twin, every population and step."""
    agreement: Mapping[str, float]
    """Population -> share of spikes that are equal in floats and integers."""
    rates: Rates
    """Activity of the source network's values."""


def run_part(build: Build, inputs: Mapping[str, Any], progress: Progress) -> Run:
    """Run the samples on the target, check it against its twin, and measure what the integers changed."""
    program, probes = build.program, probed(build.program, inputs)
    with progress.stage(f"{build.part.name}: run on {engine_text(program)}"):
        trace = program.run(inputs, probes)
    with progress.stage(f"{build.part.name}: compare spike by spike"):
        verdict = _verdict(program, inputs, trace, probes)
        floating = build.floating.run(inputs)
    meter = RateMeter(build.source)
    interpret(build.source, build.source_inputs(inputs), meter)
    return Run(trace, verdict, agreement(floating, trace), meter.rates)


def _verdict(program: Program, inputs: Mapping[str, Any], trace: Trace, probes: tuple[str, ...]) -> Verdict:
    """The target against its twin: on all samples, or on a few where the twin is a slow definition."""
    place, chip = target(program.target), program.deployment.chip
    twin = replace(program, engine=place.twin_of(chip))
    if not (chip.is_integer or place.twin.sums_alike):
        probes = program.populations  # real payloads differ in the last bit by the order of summation; spikes do not
    if place.twin.samples is not None:
        inputs = first_samples(program, inputs, place.twin.samples)
        trace = program.run(inputs, probes)
    return compare(place.twin.title, trace, twin.run(inputs, probes))


def first_samples(program: Program, inputs: Mapping[str, Any], samples: int) -> dict[str, Any]:
    """The first samples of checked inputs, in the inputs' own layout."""
    return {program.names.get(name, name): value[:, :samples] for name, value in program.host_inputs(inputs).items()}


def engine_text(program: Program) -> str:
    """What runs the chip graph, in words."""
    return program.engine.describe()


def probed(program: Program, inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """Every population where that fits into memory, else the model's own."""
    chip = program.deployment.chip
    samples = next(iter(program.host_inputs(inputs).values())).shape[1]
    neurons = {node.name: node.type.size for node in chip.nodes.values() if node.op.family == "neuron"}
    small = sum(neurons.values()) * max(chip.steps, 1) * samples <= ALL_POPULATIONS_LIMIT
    return tuple(neurons) if small else program.populations
