"""What is kept of a compilation: texts whole, numbers node by node, arrays as shape, type, extremes, sum and hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from backends.trace import Trace
from compile.command.progress import Progress
from compile.energy import energy_report, missing_prices
from compile.energy.formula.rates import RateMeter
from compile.measure.run import probed
from compile.stages.build import Build, build_part
from compile.stages.load import load_source
from compile.stages.options import Options
from compile.stages.source import Example
from ir.graph import Graph, Node
from ir.interpreter import interpret
from tests.replay.networks import NETWORKS

TARGETS = ("gpu", "loihi")


def records(name: str, folder: Path) -> Iterator[tuple[str, Any]]:
    """(file, content) of everything that is kept of a network; `folder` for the files that it is made of."""
    replayed = NETWORKS[name]
    for target in TARGETS if replayed.run else TARGETS[:1]:
        options = Options(target=target, **replayed.options)
        source = load_source(replayed.make(folder), options, Example(replayed.example()))
        profile = options.hardware()
        for part in source.parts:
            build = build_part(part, source, options, profile, Progress(quiet=True))
            place = name if len(source.parts) == 1 else f"{name}/{part.name}"
            if target == TARGETS[0]:
                for index, (after, text) in enumerate(build.texts.items()):
                    yield f"{place}/{index:02d}_{after}.txt", text
                yield f"{place}/integers.json", _integers(build)
            if replayed.run:
                yield f"{place}/{target}.json", _run(build, profile)


def _integers(build: Build) -> dict[str, Any]:
    """Everything that the target is given: attributes and arrays of every node, scales, what rounding did."""
    chip, rounding = build.deployment.chip, build.deployment.quantization
    return {
        "nodes": {node.name: _numbers(chip, node) for node in chip.nodes.values()},
        "inputs": {node.name: str(node.type) for node in chip.inputs},
        "scales": dict(build.program.scales),
        "layers": {own.name: _rounded(asdict(own)) for own in rounding.layers} if rounding is not None else {},
    }


def _numbers(chip: Graph, node: Node) -> dict[str, Any]:
    attributes = {name: value for name, value in node.op.attributes().items() if isinstance(value, int | float)}
    if not attributes.get("delay"):  # of synapses: hardware steps that only relays wait for
        attributes.pop("delay", None)
    return {**attributes, **{role: array_record(array) for role, array in chip.arrays(node).items()}}


def _run(build: Build, profile: Any) -> dict[str, Any]:
    """Outputs, spikes, events and energy of the part's own example on its target."""
    program, inputs = build.program, build.part.example
    trace = program.run(inputs, probed(program, next(iter(program.host_inputs(inputs).values())).shape[1]))
    return {**trace_record(trace), "energy": _energy(build, trace, inputs, profile)}


def trace_record(trace: Trace) -> dict[str, Any]:
    """Outputs, spikes and events; sorted, as engines list them in orders of their own."""
    events = trace.events
    counts = {kind: dict(sorted(getattr(events, kind).items())) for kind in ("spikes", "synaptic", "updates")}
    return {
        "outputs": {name: array_record(array) for name, array in sorted(trace.outputs.items())},
        "spikes": {name: array_record(array) for name, array in sorted(trace.emissions.items())},
        "events": {"samples": events.samples, "steps": events.steps, **counts},
    }


def _energy(build: Build, trace: Trace, inputs: Mapping[str, Any], profile: Any) -> Any:
    chip = build.program.deployment.chip
    if missing_prices(chip, trace.events, profile):
        return "no prices"
    meter = RateMeter(build.source)
    interpret(build.source, build.source_inputs(inputs), meter)
    report = energy_report(build.source, meter.rates, chip, trace.events, profile)
    totals = {name: str(getattr(report, name)) for name in ("formula_pj", "counted_pj", "dense_twin_pj")}
    causes = {name: str(energy) for name, energy in report.causes.items()}
    layers = {
        f"{own.module} {own.layer}": [str(own.formula_pj), str(own.counted_pj), str(own.dense_twin_pj)]
        for own in report.layers
    }
    return {**totals, "causes": causes, "layers": layers}


def array_record(array: Any) -> str:
    """Shape, type, extremes, sum and hash on one line."""
    array = np.ascontiguousarray(array)
    digest = hashlib.sha256(array.data).hexdigest()[:16]
    if not array.size:
        return f"{array.shape} {array.dtype} empty"
    total = array.sum(dtype=np.float64 if array.dtype.kind == "f" else np.int64)
    return f"{array.shape} {array.dtype} {array.min()!s}..{array.max()!s} sum {total!s} #{digest}"


def _rounded(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Errors to six digits; everything else as it is."""
    return {name: float(f"{value:.6g}") if isinstance(value, float) else value for name, value in layer.items()}
