"""What a plan needs on a device: parameters, packed weights, routes; each converted once and kept for all runs."""

from __future__ import annotations

from typing import Any

import torch

from backends.reference.kernels.dense import BYTES, Sources
from backends.reference.kernels.forms import Forms, Product, Weighted
from backends.reference.kernels.product import EXACT_FLOAT32, accumulator
from backends.reference.kernels.routes import Route, route_of
from backends.reference.plan.plan import Group, Plan
from ir.graph import Node
from ir.ops.linear import Conv, Linear

MOST_IN_A_BYTE = 127
"""The largest sum of magnitudes that bytes of either kind hold."""


class Store:
    """The parameters of a plan on a device; forms: how that device computes."""

    def __init__(self, plan: Plan, device: torch.device, forms: Forms) -> None:
        self.plan, self.device, self.forms = plan, device, forms
        self._tensors: dict[tuple[str, torch.dtype], torch.Tensor] = {}
        self._products: dict[Group, Product | None] = {}
        self._routes: dict[str, Route] = {}

    def parameter(self, name: str, kind: torch.dtype) -> torch.Tensor:
        """A weight or bias parameter in a number type."""
        if (name, kind) not in self._tensors:
            self._tensors[name, kind] = torch.tensor(self.plan.graph.params[name]).to(self.device, kind)
        return self._tensors[name, kind]

    def own(self, node: Node) -> dict[str, torch.Tensor]:
        """A node's parameters by role, in the number type of its definition."""
        types: dict[str, Any] = {"steps": torch.int64}
        return {role: self.parameter(name, types.get(role, self.plan.working)) for role, name in node.params}

    def bias(self, node: Node, kind: torch.dtype) -> torch.Tensor | None:
        """A population's bias, or None where it has none."""
        name = node.param("bias")
        return None if name is None else self.parameter(name, kind)

    def sources(self, group: Group) -> Sources:
        """What a group of projections reads, to be added up exactly."""
        names = tuple(self.plan.graph.nodes[name].inputs[0] for name in group)
        most = sum(self.plan.bounds[name] for name in names) if len(names) > 1 else 0
        return Sources(names, accumulator(most) if most > MOST_IN_A_BYTE else None)

    def product(self, group: Group) -> Product | None:
        """The product of a group of projections; None where it has no weights, or is not proven exact in float32."""
        if group not in self._products:
            self._products[group] = self._prepared(group)
        return self._products[group]

    def _prepared(self, group: Group) -> Product | None:
        plan, node = self.plan, self.plan.graph.nodes[group[0]]
        proven = plan.integer and sum(plan.bounds[name] for name in group) <= EXACT_FLOAT32
        if not proven or not isinstance(node.op, Linear | Conv):
            return None
        key = dict(node.params)["weight"]
        own = self.parameter(key, torch.float32)
        weight = plan.graph.params[key]
        return self.forms.product(Weighted(node.op, self.sources(group), weight, own, self._in_int8(group)))

    def _in_int8(self, group: Group) -> bool:
        """Whether int8 holds what a group of projections reads, added up."""
        sources = [self.plan.graph.nodes[self.plan.graph.nodes[name].inputs[0]] for name in group]
        types = [self.plan.travels(source.type) for source in sources]
        if types == [torch.int8]:
            return True
        return set(types) <= set(BYTES) and sum(self.plan.bounds[source.name] for source in sources) <= MOST_IN_A_BYTE

    def route(self, node: Node) -> Route:
        """How a routing node acts; integers are merged in a type that holds the sum of their bounds."""
        if node.name not in self._routes:
            of_currents = self.plan.integer and node.type.domain.kind == "current"
            kind = accumulator(self.plan.bounds[node.name]) if of_currents else self.plan.travels(node.type)
            self._routes[node.name] = route_of(node, self.own(node), kind if self.plan.integer else None)
        return self._routes[node.name]
