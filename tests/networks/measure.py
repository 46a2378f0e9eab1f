"""What docs/networks.md says of one network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from backends.trace import Trace
from compile.command.progress import Progress
from compile.measure.spike_match import match_spikes, total
from compile.measure.verdict import compare
from compile.stages.build import Build, build_part
from compile.stages.load import load_source
from compile.stages.options import Options
from compile.stages.source import Example
from ir.deployment import Deployment
from ir.errors import CompileError
from tests.networks.firing import reset
from tests.networks.network import Case, Size
from tests.networks.table import NETWORKS

WIRING = {"input", "reshape", "permute", "slice", "concat", "split"}
"""Operations that compute nothing, so that nobody asks where they run."""
LAVA_LIMIT = 400_000
"""Neurons x steps x samples up to which Lava runs a network too: minutes on two cores."""


@dataclass(frozen=True)
class Row:
    """One network of one size."""

    name: str
    size: Size
    source: str
    parameters: int = 0
    neurons: int = 0
    steps: int = 0
    spikes: int = 0
    """Emissions compared with the module, over neurons, steps and samples."""
    within_rounding: int = 0
    """How many of them differ, each with its membrane within float rounding of the threshold."""
    output: float | None = None
    """Largest difference of an output from the module's own forward, absolute up to 1 and relative above."""
    kept: int = 0
    """Spikes of the floats that the integers have too."""
    lost: int = 0
    added: int = 0
    lava: str = ""
    """"equal", how many values differ, or why it did not run."""
    host: str = ""
    """Operations before and after the chip."""
    float_refused: str = ""
    int_refused: str = ""
    """The rule, where, and what; "" where it compiles."""
    seconds: float = 0.0


def built(case: Case, precision: str) -> Build:
    """Compile a network for the reference; CompileError where it is refused."""
    options = Options(target="gpu", precision=precision)
    source = load_source(case.module, options, Example(**_renamed(case.example)))
    return build_part(source.parts[0], source, options, options.hardware(), Progress(quiet=True))


def _renamed(example: Mapping[str, Any]) -> dict[str, Any]:
    return {"inputs": example["example"], "static": example["static"], "steps": example["steps"]}


def expected(case: Case) -> list[np.ndarray[Any, Any]]:
    """What the module's own forward gives: all tensors of its result, in order."""
    reset(case.module)
    with torch.no_grad():
        result = case.module(**case.inputs)
    reset(case.module)
    listed = result if isinstance(result, (tuple, list)) else [result]
    return [tensor.numpy() for tensor in listed if tensor is not None]


def difference(case: Case, outputs: Mapping[str, np.ndarray[Any, Any]]) -> float:
    """The largest difference of outputs from the module's, absolute up to 1 and relative above."""
    pairs = list(zip(outputs.values(), expected(case), strict=True))
    return max(float((np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1)).max()) for ours, theirs in pairs)


def on_lava(build: Build, inputs: Mapping[str, Any], integer: Trace) -> str:
    """Whether Lava agrees with the reference in every population, step, output and event count."""
    program = build.program
    trace = program.on("loihi").run(inputs)
    verdict = compare("torch reference", trace, integer)
    return "equal" if verdict.passed else verdict.text()


def on_host(deployment: Deployment) -> str:
    """The operations that the host computes, in the order of their first use."""
    parts = []
    for where, graph in (("before", deployment.prologue), ("after", deployment.epilogue)):
        kinds = list(dict.fromkeys(node.op.kind for node in graph.nodes.values() if node.op.kind not in WIRING))
        parts += [f"{where}: {', '.join(kinds)}"] if kinds else []
    return "; ".join(parts) or "nothing"


def measured(name: str, size: Size) -> Row:
    """Build, compile, run and compare one network."""
    network = NETWORKS[name]
    case = network.build(size)
    said: dict[str, Any] = {
        "parameters": sum(parameter.numel() for parameter in case.module.parameters()),
        "steps": case.steps or next(iter(case.inputs.values())).shape[0],
    }
    try:
        said |= _floats(case)
    except CompileError as error:
        return Row(name, size, network.source, float_refused=_told(error), **said)
    try:
        said |= _integers(case)
    except CompileError as error:
        said["int_refused"] = _told(error)
    return Row(name, size, network.source, **said)


def _floats(case: Case) -> dict[str, Any]:
    build = built(case, "float")
    assert build.imported is not None
    trace = build.program.run(case.inputs)
    return {
        "spikes": build.imported.compared,
        "within_rounding": build.imported.within_rounding,
        "output": difference(case, trace.outputs),
        "neurons": sum(build.program.deployment.chip.nodes[name].type.size for name in build.program.populations),
        "host": on_host(build.deployment),
    }


def _integers(case: Case) -> dict[str, Any]:
    build = built(case, "int")
    chip = build.deployment.chip
    trace, floating = build.program.run(case.inputs), build.floating.run(case.inputs)
    match = total(match_spikes(floating, trace).values())
    values = sum(node.type.size for node in chip.nodes.values() if node.op.family == "neuron")
    values *= chip.steps * trace.events.samples
    lava = on_lava(build, case.inputs, trace) if values <= LAVA_LIMIT else f"not run: {values:,} neuron steps"
    return {
        "kept": match.kept,
        "lost": match.lost,
        "added": match.added,
        "lava": lava,
        "host": on_host(build.deployment),
    }


def _told(error: CompileError) -> str:
    return f"`{error.rule}` {error.where}: {error.what}"
