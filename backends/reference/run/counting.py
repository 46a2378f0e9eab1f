"""Counts events from spikes and fan-out, without simulating a synapse; exactly what `backends.trace.Events` documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from backends.reference.kernels.emitted import Count
from backends.reference.kernels.forms import Forms
from backends.reference.kernels.joint import active_elements
from backends.trace import Events
from ir.graph import Graph, Node
from ir.ops.linear import Conv, Linear

Emission = Callable[[str], torch.Tensor]


@dataclass(frozen=True)
class FanOut:
    """A projection's events are the spikes of a population, or input, times a number."""

    population: str
    targets: int


def fan_outs(graph: Graph) -> dict[str, FanOut]:
    """Projection -> its events, where they follow from spikes alone: between them only wires that are renamed or copied."""
    found = {node.name: _fan_out(graph, node) for node in graph.nodes.values() if node.op.family == "projection"}
    return {name: fan_out for name, fan_out in found.items() if fan_out is not None}


def _fan_out(graph: Graph, node: Node) -> FanOut | None:
    if isinstance(node.op, Conv):
        return None
    targets = len(graph.arrays(node)["weight"]) if isinstance(node.op, Linear) else 1
    source = graph.nodes[node.inputs[0]]
    while source.op.kind in ("reshape", "permute", "expand"):
        before = graph.nodes[source.inputs[0]]
        targets *= source.type.size // before.type.size
        source = before
    return FanOut(source.name, targets) if source.op.family in ("neuron", "input") else None


@dataclass
class Counter:
    """Events of one run, chunk by chunk; updates: of every population, per sample and step. forms: how the device counts."""

    graph: Graph
    fan_outs: Mapping[str, FanOut]
    updates: Mapping[str, int]
    forms: Forms
    spikes: dict[str, Count] = field(default_factory=dict[str, Count])
    synaptic: dict[str, Count] = field(default_factory=dict[str, Count])

    def emit(self, name: str, active: Count) -> None:
        """A population or input emitted that many spikes or payloads."""
        self.spikes[name] = self.spikes[name] + active if name in self.spikes else active

    def project(self, node: Node, emission: Emission) -> None:
        """A projection without `FanOut` carried what its source emits at this moment."""
        x = emission(node.inputs[0])
        if isinstance(node.op, Conv):
            events = self.forms.reached(node.op, self.graph.arrays(node)["weight"].shape, x)
        else:
            fan_out = len(self.graph.arrays(node)["weight"]) if isinstance(node.op, Linear) else 1
            events = active_elements(x, self.forms) * fan_out
        before = self.synaptic.get(node.name)
        self.synaptic[node.name] = events if before is None else before + events

    def add(self, other: Counter) -> None:
        """What another part of the run counted."""
        for own, theirs in ((self.spikes, other.spikes), (self.synaptic, other.synaptic)):
            own.update({name: own.get(name, 0) + count for name, count in theirs.items()})

    def events(self, samples: int, steps: int) -> Events:
        """The counts as plain integers."""
        updates = {name: size * steps * samples for name, size in self.updates.items()}
        spikes = _plain(self.spikes)
        followed = {name: spikes[known.population] * known.targets for name, known in self.fan_outs.items()}
        return Events(samples, steps, spikes, {**followed, **_plain(self.synaptic)}, updates)


def _plain(counts: Mapping[str, Count]) -> dict[str, int]:
    return {name: int(count) for name, count in counts.items()}
