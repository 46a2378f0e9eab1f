"""
What the compiled graph of a network has, layer by layer, counted without running it.

A layer is a path of the model's modules. What is counted, each per sample and step:

    neurons, synapses      the model's own, once; products of spikes as dense operations
    duplicates             copies of the synapses into a layer, one for each population of a residual sum but the first
    host                   weighted operations on inputs or behind the last neurons, as the model has them
    again                  of those that are synapses of the chip, too, what the host does: once per window, where it can
    masked                 products of two spikes that the host forms
    STRATEGY neurons, STRATEGY synapses
                           what a lowering added
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from compile.energy.formula.operations import operations
from frontend.tracing.trace import trace_module
from hw_profiles.loader import load
from ir.analysis.layers import layer_of
from ir.analysis.resources import NodeResources, node_resources
from ir.deployment import Context, Deployment
from ir.graph import Graph, Node
from ir.passes import advance_sums
from ir.pipeline.pipeline import PIPELINE, run
from ir.pipeline.split_phases import split_phases

Count = Counter[str]
LOWERING = [step for step in PIPELINE if step.level and not step.rounds and step.name != advance_sums.PASS]
"""The passes that end with synapses and neurons, before any number is rounded; the host is left as the model has it."""
UNIT_SYNAPSES = "neuron=synapses"
"""How an input's payloads reach the first neurons."""


@dataclass(frozen=True)
class Counts:
    """Of a network."""

    layers: Mapping[str, Count]
    phases: int

    @property
    def total(self) -> Count:
        """The sums of all layers."""
        return sum(self.layers.values(), Count())


def count(
    network: nn.Module, example: Mapping[str, torch.Tensor], static: tuple[str, ...], steps: int, **strategies: str
) -> Counts:
    """Trace and lower a network; strategies as `--lower` takes them."""
    phases = split_phases(trace_module(network, example, static, steps, "network"))
    context, layers = Context(load("loihi2"), strategies), defaultdict[str, Count](Count)
    deployments = [run(Deployment.of(phase), context, passes=LOWERING) for phase in phases]
    for deployment in deployments:
        _count_chip(deployment.chip, layers)
    for deployment in deployments:
        _count_host(deployment.prologue, layers)
        _count_host(deployment.epilogue, layers)
        _count_again(advance_sums.advance_sums(deployment.epilogue), layers)
    return Counts(layers, len(phases))


def _count_chip(chip: Graph, layers: dict[str, Count]) -> None:
    fed = layer_of(chip)
    for row in node_resources(chip):
        node = chip.nodes[row.node]
        path = row.module if row.share == "own" else chip.nodes[fed[row.node]].provenance.module
        layers[path].update(_of_row(row, node))


def _of_row(row: NodeResources, node: Node) -> Count:
    if row.share == "own":
        return Count(neurons=row.neurons, synapses=row.synapses)
    if row.share == "duplicate":
        return Count(duplicates=row.synapses)
    strategy = next((mark for mark in node.provenance.passes if "=" in mark), row.share)
    return Count({f"{strategy} neurons": row.neurons, f"{strategy} synapses": row.synapses, "synapses": row.matmul})


def _count_host(graph: Graph, layers: dict[str, Count]) -> None:
    for operation in operations(graph):
        if operation.kind == "mul":
            layers[operation.module]["masked"] += operation.real
        if operation.kind in ("conv", "linear") and not layers[operation.module]["synapses"]:
            layers[operation.module]["host"] += operation.real


def _count_again(graph: Graph, layers: dict[str, Count]) -> None:
    for operation in operations(graph):
        if operation.kind in ("conv", "linear") and layers[operation.module]["synapses"]:
            layers[operation.module]["again"] += operation.real
