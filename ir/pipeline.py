"""Runs the passes from the traced network to synapses: after each, every graph is verified at its level and shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ir.deployment import Deployment
from ir.graph import Graph
from ir.passes.fold_batchnorm import fold_batchnorm
from ir.passes.lower_to_synapses import lower_to_synapses
from ir.passes.merge_routing import merge_routing
from ir.passes.narrow_projections import narrow_projections
from ir.passes.push_back_edges import push_back_edges
from ir.passes.split_host import split_host
from ir.target import Features
from ir.verify import verify

OnPass = Callable[[str, Mapping[str, Graph]], None]
Check = Callable[[Deployment, str], None]


@dataclass(frozen=True)
class Context:
    """What a pass may know beside the graph: the profile's features, and the strategies that the user chose."""

    features: Features
    strategies: Mapping[str, str]


ChipPass = Callable[[Graph, Context], Graph]

PIPELINE: tuple[tuple[str, ChipPass, str], ...] = (
    ("push_back_edges", lambda chip, _: push_back_edges(chip), "source"),
    ("merge_routing", lambda chip, _: merge_routing(chip), "source"),
    ("narrow_projections", lambda chip, _: narrow_projections(chip), "source"),
    ("fold_batchnorm", lambda chip, _: merge_routing(fold_batchnorm(chip)), "spiking"),
    ("lower_to_synapses", lambda chip, to: lower_to_synapses(chip, to.features, to.strategies), "synaptic"),
    ("merge_wires", lambda chip, _: merge_routing(chip), "synaptic"),
)
"""Name, pass and level of the result, in order; they run on the chip's part, after `split_host` has cut it out."""


def lower(
    graph: Graph,
    features: Features,
    strategies: Mapping[str, str],
    on_pass: OnPass | None = None,
    check: Check | None = None,
) -> Deployment:
    """
    Cut a traced network into host and chip, and lower the chip's part to level synaptic.

    Args:
        graph: level source.
        features: what the target's neurons and spikes can do.
        strategies: operation or module path -> strategy of the table in `ir.lowerings.table`.
        on_pass: called after every pass with its name and the graphs: prologue, chip, epilogue.
        check: called after every pass with all three graphs and its name; raises where the numbers differ.

    Raises:
        CompileError, DeployError: as the passes do.
    """
    verify(graph, "source")
    deployment = split_host(graph)
    _after("split_host", deployment, "source", on_pass, check)
    for name, chip_pass, level in PIPELINE:
        chip = chip_pass(deployment.chip, Context(features, strategies))
        deployment = replace(deployment, chip=chip)
        _after(name, deployment, level, on_pass, check)
    return deployment


def _after(name: str, deployment: Deployment, level: str, on_pass: OnPass | None, check: Check | None) -> None:
    for graph, legal in ((deployment.prologue, "host"), (deployment.chip, level), (deployment.epilogue, "host")):
        verify(graph, legal)
    if on_pass is not None:
        on_pass(name, {"prologue": deployment.prologue, "chip": deployment.chip, "epilogue": deployment.epilogue})
    if check is not None:
        check(deployment, name)
