"""A network prepared for one device and one set of probes."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from backends.reference.kernels.device_kernels import DeviceKernels
from backends.reference.plan.execution_plan import ExecutionPlan
from backends.reference.run.counting import EventCounter
from backends.reference.run.parameters import DeviceParameters
from backends.reference.run.populations import population_of
from backends.reference.run.tile import Tile
from ir.graph import Node
from ir.ops.over_time.delay import Delay


class DeviceNetwork:
    """The plan with its tensors on a device, and how its populations emit; prepared once for all runs."""

    def __init__(
        self, plan: ExecutionPlan, device: torch.device, kernels: DeviceKernels, probes: tuple[str, ...]
    ) -> None:
        self.plan, self.device, self.kernels, self.probes = plan, device, kernels, probes
        self._parameters = DeviceParameters(plan, device, kernels)
        materialised = [step for step in plan.steps if step.node.name not in plan.contracted]
        self._populations = {step.node.name: population_of(step, self._parameters) for step in materialised}

    def compute(
        self, inputs: Mapping[str, torch.Tensor], counter: EventCounter
    ) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """(outputs, probed populations) of a tile, as they travel; inputs: (T, B, *shape) each, as they travel."""
        tile = Tile(self._parameters, self._populations, inputs, self.probes, counter)
        tile.compute()
        outputs = {name: tile.value(value) for name, value in self.plan.graph.outputs.items()}
        return outputs, {name: tile.probed[name] for name in self.probes}

    def counter(self) -> EventCounter:
        """A counter for this network, at zero."""
        return EventCounter(self.plan, self.kernels)

    def input_dtype(self, name: str) -> torch.dtype:
        """The dtype in which an input travels."""
        return self.plan.travel_dtype(self.plan.graph.nodes[name].type)

    @property
    def waits(self) -> bool:
        """Whether a run looks at values: sums of float64 are split by size, delays of single elements in a loop are read."""
        looped = (self.plan.graph.nodes[name] for name in self.plan.loops)
        return self.plan.is_wide or any(isinstance(node.op, Delay) and node.params for node in looped)

    def narrow(self, node: Node, value: torch.Tensor) -> torch.Tensor:
        """A population for its way to the host: dense, in bytes where it travels so."""
        is_byte = self.plan.integer and value.dtype == torch.int8
        return (value if is_byte else value.to(self.plan.stored_dtype(node))).contiguous()
