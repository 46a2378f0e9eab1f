"""
One loop of a network, step by step: plain neurons by their kernel, every other node by its own definition, on products that are
exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any

import torch

from backends.reference.kernels.device_kernels import Stepper
from backends.reference.plan.loop_blocks import LoopBlock
from backends.reference.run.parameters import DeviceParameters
from ir.analysis.plain_neurons import plain_lif
from ir.graph import Node
from ir.ops.over_time.delay import Past

Values = Mapping[str, torch.Tensor]


def run_loop_block(
    block: LoopBlock, outside: Values, parameters: DeviceParameters, steps: int, batch: int
) -> dict[str, torch.Tensor]:
    """
    The values of a loop, (T, B, *shape) each, projections apart, from zero state.

    Args:
        outside: what the loop reads from elsewhere, (T, B, *shape) each.
    """
    run = LoopRun(parameters, batch)
    for t in range(steps):
        now = {name: value[t : t + 1] for name, value in outside.items()}
        for node in block.nodes:
            now[node.name] = run.compute(node, now)
        run.history.append({node.name: now[node.name] for node in block.nodes if node.op.family != "projection"})
    return {name: torch.cat([values[name] for values in run.history]) for name in run.history[0]}


@dataclass
class LoopRun:
    """The state of a loop on its way through the steps of a window."""

    parameters: DeviceParameters
    batch: int
    history: list[Values] = field(default_factory=list[Values])
    """What was kept of every step so far, (1, B, *shape) each."""
    states: dict[str, Any] = field(default_factory=dict[str, Any])
    """Node -> what it remembers."""
    steppers: dict[str, Stepper | None] = field(default_factory=dict[str, "Stepper | None"])
    """Population -> its kernel, if there is one."""

    def compute(self, node: Node, now: Values) -> torch.Tensor:
        """One step of one node: populations as they travel, currents of integers in float64, which holds all of the chip's."""
        plan = self.parameters.plan
        wide = torch.float64 if plan.integer else plan.real_dtype
        dtype = plan.travel_dtype(node.type) if node.type.domain.populations else wide
        if isinstance(node.op, Past):
            return self._past(node, node.op, dtype)
        if node.op.family == "projection":
            return self.parameters.product((node.name,)).current(now.__getitem__).to(dtype)
        operands = tuple(now[name] for name in node.inputs)
        if node.op.family == "neuron":
            stepper = self._stepper(node)
            if stepper is not None:
                return stepper(reduce(add, (x.to(wide) for x in operands)))
            return self._resumed(node, tuple(x.to(plan.definition_dtype) for x in operands)).to(dtype)
        return self._resumed(node, tuple(x.to(wide) for x in operands)).to(dtype)

    def _stepper(self, node: Node) -> Stepper | None:
        """The neurons' own kernel, where there is one."""
        if node.name not in self.steppers:
            op, parameters = plain_lif(node), self.parameters
            self.steppers[node.name] = None
            if op is not None:
                own = parameters.own_numbers(op, node, torch.float64)
                self.steppers[node.name] = parameters.kernels.stepper(op, node.type.shape, own)
        return self.steppers[node.name]

    def _resumed(self, node: Node, operands: tuple[torch.Tensor, ...]) -> torch.Tensor:
        params = self.parameters.tensors(node)
        value, self.states[node.name] = node.op.resume(operands, params, 1, self.states.get(node.name))
        return value

    def _past(self, node: Node, op: Past, dtype: torch.dtype) -> torch.Tensor:
        """What the value was, or zeros before the first step."""
        if len(self.history) >= op.steps:
            return self.history[-op.steps][op.of]
        return torch.zeros((1, self.batch, *node.type.shape), dtype=dtype, device=self.parameters.device)
