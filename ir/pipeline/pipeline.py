"""
The way of every network from the traced graph to what an engine runs: one list of passes, read from top to bottom.

After each pass the verifier checks all three graphs at the level that the pass ends with, and a hook sees the result: it dumps
the texts and takes the times. A network that comes at a later level (integers from the start) enters the list there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ir.deployment import Context, Deployment
from ir.graph import Graph
from ir.passes import (
    advance_sums,
    fold_batchnorm,
    insert_relays,
    lower_to_synapses,
    merge_routing,
    narrow_projections,
    push_back_edges,
    quantize,
    schedule,
    split_fan_in,
    split_host,
)
from ir.profile import Profile

Apply = Callable[[Deployment, Context], Deployment]
Hook = Callable[[str, Deployment], None]


@dataclass(frozen=True)
class Pass:
    """One entry of the pipeline."""

    name: str
    """Verb and object; what messages, dumped files and times call it."""
    apply: Apply
    level: str
    """The level of the chip's graph afterwards; "" where it stays what it was: synaptic, or quantized."""
    rounds: bool = False
    """Whether the pass is about integers only, and left out where a network keeps its source's arithmetic."""


PIPELINE: tuple[Pass, ...] = (
    Pass("split_host", split_host.apply, "source"),
    Pass("advance_sums", advance_sums.apply, "source"),
    Pass("push_back_edges", push_back_edges.apply, "source"),
    Pass("merge_routing", merge_routing.apply, "source"),
    Pass("narrow_projections", narrow_projections.apply, "source"),
    Pass("fold_batchnorm", fold_batchnorm.apply, "spiking"),
    Pass("lower_to_synapses", lower_to_synapses.apply, "synaptic"),
    Pass("merge_wires", merge_routing.apply, "synaptic"),
    Pass("separate_gains", quantize.separate_gains, "synaptic", rounds=True),
    Pass("calibrate", quantize.calibrate, "synaptic", rounds=True),
    Pass("quantize", quantize.quantize, "quantized", rounds=True),
    Pass("split_fan_in", split_fan_in.apply, "", rounds=True),
    Pass("schedule", schedule.apply, ""),
    Pass("insert_relays", insert_relays.apply, ""),
)
"""All passes, in order."""
LEVELS = ("source", "spiking", "synaptic", "quantized")
"""The levels of a chip graph, each with fewer kinds of operation than the one before."""


def run(
    deployment: Deployment,
    context: Context,
    level: str = "source",
    integers: bool = True,
    passes: Sequence[Pass] = PIPELINE,
    hook: Hook = lambda name, deployment: None,
) -> Deployment:
    """
    Take a deployment through the passes.

    Args:
        level: of the network as it comes; passes that end before it are left out.
        integers: whether to round; without, the chip keeps the source's arithmetic.
        hook: called after every pass with its name and the deployment.

    Raises:
        CompileError, DeployError: as the passes do; CompileError("ir.*") where a pass left something illegal.
    """
    deployment.verify(level)
    context = replace(context, rounds=integers)
    late = LEVELS.index(level)
    for step in passes:
        if (step.rounds and not integers) or (step.level and late and LEVELS.index(step.level) <= late):
            continue
        deployment = step.apply(deployment, context)
        level = step.level or level
        deployment.verify(level)
        hook(step.name, deployment)
    return deployment


def lower(graph: Graph, profile: Profile, strategies: Mapping[str, str]) -> Deployment:
    """A traced network in host and synapses, in its own arithmetic and without a schedule: what is exported as plain NIR."""
    passes = [step for step in PIPELINE if step.level and not step.rounds]
    return run(Deployment.of(graph), Context(profile, strategies), integers=False, passes=passes)
