"""What arrives at a population: products of weights with what others emitted, merged and routed, in exact number types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from backends.reference.kernels.joint import Factors, without_copies
from backends.reference.kernels.product import (
    accumulator,
    exact_weighted_sum,
    largest_term_sum,
    weighted_sum,
)
from backends.reference.plan.plan import Group, Term
from backends.reference.run.loop import run_block
from backends.reference.run.store import Store
from ir.graph import Node
from ir.ops.delay import Delay, Past
from ir.ops.linear import Linear, Sum


class Currents:
    """The emitted values at hand, by name, and the currents that they make."""

    def __init__(self, store: Store, inputs: Mapping[str, torch.Tensor]) -> None:
        self.store, self.plan, self.graph = store, store.plan, store.plan.graph
        self.values: dict[str, torch.Tensor] = dict(inputs)
        self._factors: dict[str, Factors] = {}
        first = next(iter(inputs.values()))
        self.device, self.steps, self.batch = first.device, first.shape[0], first.shape[1]

    def value(self, name: str) -> torch.Tensor:
        """An emitted value; routed ones are kept until their last reader."""
        if name not in self.values:
            self.values[name] = self._made(name)
        return self.values[name]

    def current(self, name: str) -> torch.Tensor:
        """Any value; a current is made anew for every reader."""
        return self.values[name] if name in self.values else self._made(name)

    def _made(self, name: str) -> torch.Tensor:
        """A value that is not at hand; what lies on a loop comes with all of the loop."""
        node = self.graph.nodes[name]
        if node.op.family == "projection":
            return self._projected((name,))
        if name in self.plan.loops:
            self.values.update(run_block(self.plan.loops[name], self))
            return self.values[name]
        of_currents = node.type.domain.kind == "current"
        operands = tuple(self.current(source) if of_currents else self.value(source) for source in node.reads)
        if isinstance(node.op, Past):
            return Delay(node.op.steps).run(operands, {}, self.steps)
        return self.store.route(node)(operands, self.steps)

    def total(self, terms: Sequence[Term]) -> torch.Tensor:
        """The sum of the terms, in order; integers in a type that holds the sum of their bounds. Not to be written to."""
        total = self._routed(terms[0])
        if len(terms) > 1 and self.plan.integer:
            total = total.to(accumulator(self.plan.bound(terms)))
        for term in terms[1:]:
            total = total + self._routed(term)
        return total

    def _routed(self, term: Term) -> torch.Tensor:
        """A group's product, routed as its first projection is."""
        node = self.graph.nodes[term.value]
        if term.group == (term.value,):
            return self.current(term.value)
        if node.op.family == "projection":
            return self._projected(term.group)
        return self.store.route(node)((self._routed(Term(node.inputs[0], term.group)),), self.steps)

    def _projected(self, group: Group) -> torch.Tensor:
        """The product of a group's weights with its summed sources."""
        node = self.graph.nodes[group[0]]
        if node.inputs[0] in self.plan.joint:
            return self._joint_sum(node, node.inputs[0])
        prepared = self.store.product(group)
        if prepared is not None:
            return prepared.current(self.value)
        return self.product(node, self.store.sources(group).summed(self.value), group)

    def product(self, node: Node, x: torch.Tensor, group: Group = ()) -> torch.Tensor:
        """The product of a projection's weights with x, the sum of what a group of projections of the same weights read."""
        kind = self._accumulator(node, group or (node.name,), x)
        name = node.param("weight")
        weight = None if name is None else self.store.parameter(name, kind)
        if self.plan.is_wide:
            return exact_weighted_sum(node, x, weight)
        y = weighted_sum(node, x.to(kind), weight)
        return y if self.plan.integer else y.to(torch.float32)

    def _accumulator(self, node: Node, group: Group, x: torch.Tensor) -> torch.dtype:
        """The number type in which a product is exact (integers), or rounded only once (the source's arithmetic)."""
        if not self.plan.integer:
            return torch.float64
        kind = accumulator(sum(self.plan.bounds[name] for name in group))
        if kind == torch.float32 or not isinstance(node.op, Linear) or not self.store.forms.looks:
            return kind
        return accumulator(largest_term_sum(x, self.plan.largest(dict(node.params)["weight"])))

    def _joint_sum(self, node: Node, gate: str) -> torch.Tensor:
        """A sum over a population that is not materialised."""
        assert isinstance(node.op, Sum)
        y = self.factors(gate, node).total(node.op.axes)
        y = y if node.op.weight == 1 else y * node.op.weight
        return y if self.plan.integer else y.to(torch.float32)

    def factors(self, gate: str, reader: Node) -> Factors:
        """The two factors of a population that is not materialised, as one of its sums needs them."""
        assert isinstance(reader.op, Sum)
        if reader.name not in self._factors:
            a, b = (without_copies(self.value(name)) for name in self.plan.joint[gate])
            kind = self.store.forms.joint_kind(self.plan.bounds[reader.name]) if self.plan.integer else torch.float64
            shape = self.graph.nodes[gate].type.shape
            self._factors[reader.name] = Factors.of(a, b, shape, reader.op.axes, kind)
        return self._factors[reader.name]

    def forget(self, name: str) -> None:
        """Nothing needs this value any more."""
        self.values.pop(name, None)
        self._factors.pop(name, None)
