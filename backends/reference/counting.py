"""Counts events from spikes and fan-out, without simulating a synapse; exactly what `backends.trace.Events` documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import torch

from backends.reference.joint import active_elements
from backends.trace import Events
from ir.graph import Graph, Node
from ir.ops.linear import Conv, Linear

Emission = Callable[[str], torch.Tensor]


@dataclass
class Counter:
    """Events of one run; counts stay on the device until `events` asks for them."""

    graph: Graph
    spikes: dict[str, torch.Tensor] = field(default_factory=dict)
    synaptic: dict[str, torch.Tensor] = field(default_factory=dict)
    _active: dict[str, torch.Tensor] = field(default_factory=dict)

    def start_chunk(self) -> None:
        """Forget the counts that later projections of the same samples share."""
        self._active.clear()

    def emit(self, name: str, active: torch.Tensor) -> None:
        """A population or input emitted that many spikes or payloads."""
        self._active[name] = active
        self.spikes[name] = self.spikes.get(name, 0) + active

    def project(self, node: Node, emission: Emission) -> None:
        """A projection carried what its source emits at this moment."""
        if isinstance(node.op, Conv):
            events = _conv_events(self.graph, node, emission(node.inputs[0]))
        else:
            fan_out = len(self.graph.arrays(node)["weight"]) if isinstance(node.op, Linear) else 1
            events = self._count(node.inputs[0], emission) * fan_out
        self.synaptic[node.name] = self.synaptic.get(node.name, 0) + events

    def _count(self, name: str, emission: Emission) -> torch.Tensor:
        """Active elements of a routed value; renamed wires need no second look."""
        if name not in self._active:
            node = self.graph.nodes[name]
            if node.op.kind in ("reshape", "permute"):
                self._active[name] = self._count(node.inputs[0], emission)
            else:
                self._active[name] = active_elements(emission(name))
        return self._active[name]

    def events(self, samples: int, steps: int) -> Events:
        """The counts as plain integers."""
        updates = {
            node.name: node.type.size * steps * samples
            for node in self.graph.nodes.values()
            if node.op.family == "neuron"
        }
        return Events(samples, steps, _plain(self.spikes), _plain(self.synaptic), updates)


def _plain(counts: Mapping[str, torch.Tensor]) -> dict[str, int]:
    return {name: int(count) for name, count in counts.items()}


def _conv_events(graph: Graph, node: Node, x: torch.Tensor) -> torch.Tensor:
    """Active inputs times the targets that each one's position reaches; padding has no synapses."""
    op, weight = node.op, graph.arrays(node)["weight"]
    assert isinstance(op, Conv)
    reached = _targets_per_position(op, weight.shape, tuple(x.shape[3:])).to(x.device)
    active = (x != 0).sum(dim=(0, 1, 2))
    return (active * reached).sum()


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
