"""A network prepared for one device and one set of probes, and what a run over samples yields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from backends.reference.kernels.forms import Forms
from backends.reference.plan.plan import Plan
from backends.reference.run.chunk import Chunk
from backends.reference.run.counting import Counter
from backends.reference.run.populations import emission_of
from backends.reference.run.store import Store
from backends.trace import Array
from ir.graph import Node
from ir.ops.delay import Delay


@dataclass(frozen=True)
class Results:
    """outputs, spikes (of probes): name -> array (T, B, *shape), as a trace keeps it. counter: of all events."""

    outputs: dict[str, Array]
    spikes: dict[str, Array]
    counter: Counter


Runner = Callable[[Mapping[str, Array]], Results]
"""Runs samples, checked inputs (T, B, *shape) each, from zero state, in cuts that fit the device."""


class Prepared:
    """The plan with its tensors on the device, and how its populations emit; made once."""

    def __init__(self, plan: Plan, device: torch.device, forms: Forms, probes: tuple[str, ...]) -> None:
        self.plan, self.device, self.forms, self.probes = plan, device, forms, probes
        self._store = Store(plan, device, forms)
        self._emissions = {step.node.name: emission_of(step, self._store) for step in plan.steps}

    def counter(self) -> Counter:
        """A counter for this network, at zero."""
        return Counter(self.plan.graph, self.plan.fan_outs, self.plan.updates, self.forms)

    def compute(
        self, fed: Mapping[str, torch.Tensor], counter: Counter
    ) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """(outputs, probed populations) of a cut, as they travel; fed: the inputs, as they travel."""
        chunk = Chunk(self._store, self._emissions, counter, fed, self.probes)
        chunk.run()
        outputs = {name: chunk.value(value) for name, value in self.plan.graph.outputs.items()}
        return outputs, {name: chunk.kept[name] for name in self.probes}

    @property
    def waits(self) -> bool:
        """Whether a run looks at values: sums of float64 are split by size, delays of single elements in a loop are read."""
        loops = (self.plan.graph.nodes[name] for name in self.plan.loops)
        return self.plan.is_wide or any(isinstance(node.op, Delay) and node.params for node in loops)

    def travels(self, name: str) -> torch.dtype:
        """The number type in which an input travels."""
        return self.plan.travels(self.plan.graph.nodes[name].type)

    def stored(self, node: Node) -> torch.dtype:
        """The number type in which a trace keeps a population: spikes and counts uint8, payloads int32, or real numbers."""
        if node.type.domain.kind in ("spike", "count"):
            return torch.uint8
        return torch.int32 if self.plan.integer else self.plan.real

    def narrow(self, node: Node, value: torch.Tensor) -> torch.Tensor:
        """A population for its way to the host: dense, in bytes where it travels so."""
        is_byte = self.plan.integer and value.dtype == torch.int8
        return (value if is_byte else value.to(self.stored(node))).contiguous()


def cuts(plan: Plan, steps: int, batch: int, limit: int) -> list[slice]:
    """Slices of the batch, as equal as can be, whose largest value, in four bytes per element, fits into `limit` bytes."""
    most = max(1, limit // (plan.widest * steps * 4))
    length = max(1, -(-batch // max(1, -(-batch // most))))
    return [slice(start, min(start + length, batch)) for start in range(0, batch, length)]
