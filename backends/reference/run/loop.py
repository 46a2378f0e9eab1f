"""
One loop of a network, step by step: plain neurons by their kernel, every other node by its own definition, on the products that
the engine computes exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any, Protocol

import torch

from backends.reference.kernels.forms import Stepper
from backends.reference.kernels.neurons import is_plain
from backends.reference.plan.blocks import Block
from backends.reference.plan.plan import Plan
from backends.reference.run.store import Store
from ir.graph import Node
from ir.ops.delay import Past
from ir.ops.integer_neuron import IntegerLif

Step = Mapping[str, torch.Tensor]
"""The values of one step, (1, B, *shape)."""


class Products(Protocol):
    """What a loop needs of the engine: the values around it, and weighted sums."""

    store: Store
    plan: Plan
    device: torch.device
    steps: int
    batch: int

    def current(self, name: str) -> torch.Tensor:
        """A value from outside the loop, (T, B, *shape)."""
        ...

    def product(self, node: Node, x: torch.Tensor) -> torch.Tensor:
        """What a projection makes of x, (T or 1, B, *shape)."""
        ...


def run_block(block: Block, products: Products) -> dict[str, torch.Tensor]:
    """The values of a loop, (T, B, *shape) each, projections apart, from zero state."""
    outside = {name: products.current(name) for name in block.outside}
    run = _Run(products)
    for t in range(products.steps):
        now = {name: value[t : t + 1] for name, value in outside.items()}
        for node in block.nodes:
            now[node.name] = run.compute(node, now)
        run.history.append({node.name: now[node.name] for node in block.nodes if node.op.family != "projection"})
    return {name: torch.cat([values[name] for values in run.history]) for name in run.history[0]}


@dataclass
class _Run:
    """history: what was kept of every step so far. states: node -> what it remembers. steppers: node -> its kernel, if any."""

    products: Products
    history: list[dict[str, torch.Tensor]] = field(default_factory=list[dict[str, torch.Tensor]])
    states: dict[str, Any] = field(default_factory=dict[str, Any])
    steppers: dict[str, Stepper | None] = field(default_factory=dict[str, "Stepper | None"])

    def compute(self, node: Node, now: Step) -> torch.Tensor:
        """One step of one node: populations as they travel, currents of integers in float64, which holds all of the chip's."""
        plan = self.products.plan
        wide = torch.float64 if plan.integer else plan.real
        kind = plan.travels(node.type) if node.type.domain.populations else wide
        if isinstance(node.op, Past):
            return self._past(node, node.op, kind)
        operands = tuple(now[name] for name in node.inputs)
        if node.op.family == "projection":
            return self._projected(node, operands[0]).to(kind)
        if node.op.family == "neuron":
            stepped = self._stepped(node)
            if stepped is not None:
                return stepped(reduce(add, (x.to(wide) for x in operands)))
            return self._resumed(node, tuple(x.to(plan.working) for x in operands)).to(kind)
        return self._resumed(node, tuple(x.to(wide) for x in operands)).to(kind)

    def _projected(self, node: Node, x: torch.Tensor) -> torch.Tensor:
        """The product prepared for all runs, where there is one for what travels."""
        prepared = self.products.store.product((node.name,))
        if prepared is None:
            return self.products.product(node, x)
        return prepared.current(lambda _: x)

    def _stepped(self, node: Node) -> Stepper | None:
        """The neurons' own kernel, where there is one."""
        if node.name not in self.steppers:
            op, store, stepper = node.op, self.products.store, None
            if isinstance(op, IntegerLif) and is_plain(op, dict(node.params)):
                stepper = store.forms.stepped(op, node.type.shape, store.bias(node, torch.float64))
            self.steppers[node.name] = stepper
        return self.steppers[node.name]

    def _resumed(self, node: Node, operands: tuple[torch.Tensor, ...]) -> torch.Tensor:
        own = self.products.store.own(node)
        value, self.states[node.name] = node.op.resume(operands, own, 1, self.states.get(node.name))
        return value

    def _past(self, node: Node, op: Past, kind: torch.dtype) -> torch.Tensor:
        """What the value was, or zeros before the first step."""
        if len(self.history) >= op.steps:
            return self.history[-op.steps][op.of]
        return torch.zeros((1, self.products.batch, *node.type.shape), dtype=kind, device=self.products.device)
