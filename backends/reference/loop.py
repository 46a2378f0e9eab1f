"""One loop of a network, step by step: every node by its own definition on the products that the engine computes exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from backends.reference.blocks import Block
from backends.reference.plan import Plan
from backends.reference.store import Store
from ir.graph import Node
from ir.ops.delay import Past

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
    kept = {name: torch.cat([values[name] for values in run.history]) for name in run.history[0]}
    return {name: _carried(products.plan, name, value) for name, value in kept.items()}


@dataclass
class _Run:
    """history: what was kept of every step so far. states: node -> what it remembers."""

    products: Products
    history: list[dict[str, torch.Tensor]] = field(default_factory=list[dict[str, torch.Tensor]])
    states: dict[str, Any] = field(default_factory=dict[str, Any])

    def compute(self, node: Node, now: Step) -> torch.Tensor:
        """One step of one node; integers in float64, which holds every current that the chip can."""
        plan = self.products.plan
        kind = torch.float64 if plan.integer else plan.real
        if isinstance(node.op, Past):
            return self._past(node, node.op, kind)
        operands = tuple(now[name] for name in node.inputs)
        if node.op.family == "projection":
            return self._projected(node, operands[0]).to(kind)
        if node.op.family == "neuron":
            return self._resumed(node, tuple(x.to(plan.working) for x in operands)).to(kind)
        return self._resumed(node, tuple(x.to(kind) for x in operands))

    def _projected(self, node: Node, x: torch.Tensor) -> torch.Tensor:
        """The product prepared for all runs, where there is one for what travels."""
        plan, store = self.products.plan, self.products.store
        prepared = store.product((node.name,))
        if prepared is None:
            return self.products.product(node, x)
        source = x.to(plan.travels(plan.graph.nodes[node.inputs[0]].type))
        return prepared.current(lambda _: source)

    def _resumed(self, node: Node, operands: tuple[torch.Tensor, ...]) -> torch.Tensor:
        own = self.products.store.own(node)
        value, self.states[node.name] = node.op.resume(operands, own, 1, self.states.get(node.name))
        return value

    def _past(self, node: Node, op: Past, kind: torch.dtype) -> torch.Tensor:
        """What the value was, or zeros before the first step."""
        if len(self.history) >= op.steps:
            return self.history[-op.steps][op.of]
        return torch.zeros((1, self.products.batch, *node.type.shape), dtype=kind, device=self.products.device)


def _carried(plan: Plan, name: str, value: torch.Tensor) -> torch.Tensor:
    """A value as it travels between populations; currents of an integer network stay in float64."""
    node = plan.graph.nodes[name]
    return value.to(plan.travels(node.type)) if node.type.domain.populations else value
