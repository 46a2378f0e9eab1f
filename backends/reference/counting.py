"""Counts events from spikes and fan-out, without simulating a synapse; exactly what `backends.trace.Events` documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import torch

from backends.reference.compiled import compiled
from backends.reference.joint import active_elements
from backends.reference.plain import CHANNELS_LAST, is_channels_last
from backends.trace import Events
from ir.graph import Graph, Node
from ir.ops.linear import Conv, Linear

Emission = Callable[[str], torch.Tensor]
Count = torch.Tensor | int
"""A number of events; on a GPU it stays there until somebody asks."""


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
    """Events of one run, chunk by chunk; updates: of every population, per sample and step."""

    graph: Graph
    fan_outs: Mapping[str, FanOut]
    updates: Mapping[str, int]
    spikes: dict[str, Count] = field(default_factory=dict[str, Count])
    synaptic: dict[str, Count] = field(default_factory=dict[str, Count])

    def emit(self, name: str, active: Count) -> None:
        """A population or input emitted that many spikes or payloads."""
        self.spikes[name] = self.spikes.get(name, 0) + active

    def project(self, node: Node, emission: Emission) -> None:
        """A projection without `FanOut` carried what its source emits at this moment."""
        if isinstance(node.op, Conv):
            events = _conv_events(self.graph, node, emission(node.inputs[0]))
        else:
            fan_out = len(self.graph.arrays(node)["weight"]) if isinstance(node.op, Linear) else 1
            events = active_elements(emission(node.inputs[0])) * fan_out
        self.synaptic[node.name] = self.synaptic.get(node.name, 0) + events

    def events(self, samples: int, steps: int) -> Events:
        """The counts as plain integers."""
        updates = {name: size * steps * samples for name, size in self.updates.items()}
        spikes = _plain(self.spikes)
        followed = {name: spikes[known.population] * known.targets for name, known in self.fan_outs.items()}
        return Events(samples, steps, spikes, {**followed, **_plain(self.synaptic)}, updates)


def _plain(counts: Mapping[str, Count]) -> dict[str, int]:
    return {name: int(count) for name, count in counts.items()}


def _conv_events(graph: Graph, node: Node, x: torch.Tensor) -> Count:
    """Active inputs times the targets that each one's position reaches; padding has no synapses."""
    op, weight = node.op, graph.arrays(node)["weight"]
    assert isinstance(op, Conv)
    reached = _targets_per_position(op, weight.shape, tuple(x.shape[3:]))
    kernels = compiled() if x.device.type == "cpu" else None
    if kernels is None:
        return ((x != 0).sum(dim=(0, 1, 2)) * reached.to(x.device)).sum()
    if is_channels_last(x):
        rows, reached = x.permute(CHANNELS_LAST).flatten(2), reached.flatten().repeat_interleave(x.shape[2])
    else:
        rows, reached = x.contiguous().flatten(3), reached.flatten()
    return kernels.weighted_active(rows.reshape(-1, len(reached)).numpy(), reached.numpy())


@lru_cache(maxsize=256)
def _targets_per_position(op: Conv, weight: tuple[int, ...], sizes: tuple[int, ...]) -> torch.Tensor:
    """Output elements that one input channel reaches from every spatial position."""
    axes = [torch.zeros(size, dtype=torch.int64) for size in sizes]
    for axis, (size, kernel) in enumerate(zip(sizes, weight[2:], strict=True)):
        stride, padding, gap = op.stride[axis], op.padding[axis], op.dilation[axis]
        outputs = (size + 2 * padding - gap * (kernel - 1) - 1) // stride + 1
        taps = [stride * p + gap * k - padding for p in range(outputs) for k in range(kernel)]
        for position in taps:
            if 0 <= position < size:
                axes[axis][position] += 1
    reached = axes[0]
    for axis in axes[1:]:
        reached = reached[..., None] * axis
    return reached * (weight[0] // op.groups)
