"""Counts events from spikes and fan-out, without simulating a synapse; exactly what `backends.trace.Events` documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from backends.reference.kernels.device_kernels import DeviceKernels
from backends.reference.kernels.values import Count
from backends.reference.kernels.weighted_products import ValueOf
from backends.reference.plan.execution_plan import ExecutionPlan
from backends.trace import Events
from ir.graph import Node
from ir.ops.linear import Conv


@dataclass
class EventCounter:
    """Events of one run, tile by tile."""

    plan: ExecutionPlan
    kernels: DeviceKernels
    """How the device counts."""
    spikes: dict[str, Count] = field(default_factory=dict[str, Count])
    """Population or input -> spikes, or payloads that are not zero."""
    synaptic: dict[str, Count] = field(default_factory=dict[str, Count])
    """Projection without a uniform fan-out -> synaptic events."""

    def emit(self, name: str, active: Count) -> None:
        """Count that many spikes or payloads of a population or input."""
        self.spikes[name] = self.spikes[name] + active if name in self.spikes else active

    def project(self, node: Node, value: ValueOf) -> None:
        """Count the events of a projection whose source emits what it does at this moment."""
        x = value(node.inputs[0])
        if isinstance(node.op, Conv):
            events = self.kernels.reached(node.op, self.plan.graph.arrays(node)["weight"].shape, x)
        else:
            events = self.kernels.active(x) * self.plan.arriving_synapses[node.name]
        events = events * self.plan.populations_fed[node.name]
        before = self.synaptic.get(node.name)
        self.synaptic[node.name] = events if before is None else before + events

    def add(self, other: EventCounter) -> None:
        """Add what another part of the run counted."""
        for counts, more in ((self.spikes, other.spikes), (self.synaptic, other.synaptic)):
            counts.update({name: counts.get(name, 0) + count for name, count in more.items()})

    def events(self, samples: int, steps: int) -> Events:
        """The counts as plain integers."""
        updates = {name: size * steps * samples for name, size in self.plan.updates.items()}
        spikes = _plain(self.spikes)
        uniform = {name: spikes[fan_out.source] * fan_out.synapses for name, fan_out in self.plan.fan_outs.items()}
        counted, fed = _plain(self.synaptic), self.plan.populations_fed
        equal = {name: counted[first] // fed[first] * fed[name] for name, first in self.plan.equal_events.items()}
        return Events(samples, steps, spikes, {**uniform, **counted, **equal}, updates)


def _plain(counts: Mapping[str, Count]) -> dict[str, int]:
    return {name: int(count) for name, count in counts.items()}
