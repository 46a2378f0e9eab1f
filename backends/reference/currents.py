"""What arrives at a population: products of weights with what others emitted, merged and routed, in exact number types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import torch
from torch.nn import functional

from backends.reference.joint import joint_sum, without_copies
from backends.reference.loop import run_block
from backends.reference.plan import Group, Plan, Step, Term
from backends.reference.product import (
    EXACT_FLOAT32,
    accumulator,
    exact_weighted_sum,
    largest_term_sum,
    weighted_sum,
)
from ir.graph import Node
from ir.ops.delay import Delay, Past
from ir.ops.linear import Linear, Sum


class Currents:
    """The emitted values at hand, by name, and the currents that they make."""

    def __init__(self, plan: Plan, inputs: Mapping[str, torch.Tensor]) -> None:
        self.plan, self.graph = plan, plan.graph
        self.values: dict[str, torch.Tensor] = dict(inputs)
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
        return self._rerouted(node, operands)

    def _rerouted(self, node: Node, operands: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """A routed value; integers are merged in a type that holds the sum of their bounds."""
        if self.plan.integer and node.op.kind == "add" and self.plan.bounds[node.name] > EXACT_FLOAT32:
            operands = tuple(operand.double() for operand in operands)
        return node.op.run(operands, self.plan.own(node, self.device), self.steps)

    def bound(self, terms: Sequence[Term]) -> int:
        """The largest magnitude that the sum of integer terms can reach, partial sums included."""
        return sum(self.plan.bounds[name] for term in terms for name in term.group)

    def bias(self, node: Node, kind: torch.dtype, factor: float = 1.0) -> torch.Tensor | None:
        """A population's bias times a power of two, or None where it has none."""
        name = node.param("bias")
        return None if name is None else self.plan.parameter(name, kind, self.device, factor)

    def largest_bias(self, node: Node) -> int:
        """The largest magnitude of an integer bias."""
        name = node.param("bias")
        return 0 if name is None else self.plan.largest(name)

    def total(self, terms: Sequence[Term]) -> torch.Tensor:
        """The sum of the terms, in order; integers in a type that holds the sum of their bounds. Not to be written to."""
        total = self._routed(terms[0])
        if len(terms) > 1 and self.plan.integer:
            total = total.to(accumulator(self.bound(terms)))
        for term in terms[1:]:
            total = total + self._routed(term)
        return total

    def driven(self, step: Step, gain: float, bias_gain: float) -> torch.Tensor:
        """
        current x gain + bias x bias_gain as fresh whole numbers, gains powers of two; in one product where that stays exact.

        Needs an integer graph; the result is float32 where its type was proven, else float64.
        """
        node, largest = self.graph.nodes[step.terms[0].group[0]], self.largest_bias(step.node)
        ratio = max(1.0, abs(gain / bias_gain))
        if not (self._is_direct(step) and self.bound(step.terms) * ratio + largest <= EXACT_FLOAT32):
            return self.scaled(step.node, self.total(step.terms), gain, bias_gain)
        assert isinstance(node.op, Linear)
        x = self._summed(step.terms[0].group).to(torch.float32)
        weight = self.plan.parameter(dict(node.params)["weight"], torch.float32, self.device, gain)
        bias = self.bias(step.node, torch.float32, bias_gain)
        wide = None if bias is None else bias.reshape(-1).expand(len(weight))
        return functional.linear(x.reshape(-1, x.shape[-1]), weight, wide).reshape(*x.shape[:-1], len(weight))

    def scaled(self, node: Node, current: torch.Tensor, gain: float, bias_gain: float) -> torch.Tensor:
        """The same from a current that was computed before; it is not written to."""
        bias = self.bias(node, current.dtype, bias_gain)
        drive = current * gain
        return drive if bias is None else drive.add_(bias)

    def _is_direct(self, step: Step) -> bool:
        """Whether a population's current is one dense product, and its bias one number per output."""
        term, name = step.terms[0], step.node.param("bias")
        dense = isinstance(self.graph.nodes[term.value].op, Linear) and len(step.terms) == 1
        return dense and (name is None or prod(self.graph.params[name].shape[:-1]) == 1)

    def _routed(self, term: Term) -> torch.Tensor:
        """A group's product, routed as its first projection is."""
        node = self.graph.nodes[term.value]
        if term.group == (term.value,):
            return self.current(term.value)
        if node.op.family == "projection":
            return self._projected(term.group)
        return self._rerouted(node, (self._routed(Term(node.inputs[0], term.group)),))

    def _projected(self, group: Group) -> torch.Tensor:
        """The product of a group's weights with its summed sources."""
        node = self.graph.nodes[group[0]]
        if node.inputs[0] in self.plan.joint:
            return self._joint_sum(node, node.inputs[0])
        return self.product(node, self._summed(group), group)

    def product(self, node: Node, x: torch.Tensor, group: Group = ()) -> torch.Tensor:
        """The product of a projection's weights with x, the sum of what a group of projections of the same weights read."""
        kind = self._accumulator(node, group or (node.name,), x)
        name = node.param("weight")
        weight = None if name is None else self.plan.parameter(name, kind, self.device)
        if self.plan.is_wide:
            return exact_weighted_sum(node, x, weight)
        y = weighted_sum(node, x.to(kind), weight)
        return y if self.plan.integer else y.to(torch.float32)

    def _summed(self, group: Group) -> torch.Tensor:
        """The sum of what the projections of a group read."""
        x = self.value(self.graph.nodes[group[0]].inputs[0])
        for name in group[1:]:
            x = x + self.value(self.graph.nodes[name].inputs[0])
        return x

    def _accumulator(self, node: Node, group: Group, x: torch.Tensor) -> torch.dtype:
        """The number type in which a product is exact (integers), or rounded only once (the source's arithmetic)."""
        if not self.plan.integer:
            return torch.float64
        kind = accumulator(sum(self.plan.bounds[name] for name in group))
        if kind == torch.float32 or not isinstance(node.op, Linear):
            return kind
        return accumulator(largest_term_sum(x, self.plan.largest(dict(node.params)["weight"])))

    def _joint_sum(self, node: Node, gate: str) -> torch.Tensor:
        """A sum over a population that is not materialised."""
        assert isinstance(node.op, Sum)
        kind = accumulator(self.plan.bounds[node.name]) if self.plan.integer else torch.float64
        y = joint_sum(*self.joint_operands(gate), self.graph.nodes[gate].type.shape, node.op.axes, kind)
        y = y if node.op.weight == 1 else y * node.op.weight
        return y if self.plan.integer else y.to(torch.float32)

    def joint_operands(self, gate: str) -> tuple[torch.Tensor, torch.Tensor]:
        """The two factors of such a population, without their copies."""
        first, second = self.plan.joint[gate]
        return without_copies(self.value(first)), without_copies(self.value(second))
