"""One chunk of samples through the plan: populations in order, everything between them computed when it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from backends.reference.counting import Counter
from backends.reference.joint import joint_active, joint_sum, without_copies
from backends.reference.neurons import burst_spikes, loihi_spikes, payload, source_spikes
from backends.reference.plan import Plan, Step, Term
from backends.reference.product import accumulator, largest_term_sum, weighted_sum
from ir.graph import Node
from ir.ops.linear import Linear, Sum
from ir.ops.loihi import LoihiLif
from ir.ops.neuron import Burst, Gate, Graded, Lif


class Chunk:
    """
    The values of some samples, (T, B, *shape): spikes uint8, payloads and currents floating point.

    kept: probed populations; they outlive their last reader.
    """

    def __init__(self, plan: Plan, counter: Counter, inputs: Mapping[str, torch.Tensor], probes: Sequence[str]) -> None:
        self._plan, self._counter, self._probes = plan, counter, probes
        self._graph = plan.graph
        self._values: dict[str, torch.Tensor] = dict(inputs)
        self._device = next(iter(inputs.values())).device
        self._steps = next(iter(inputs.values())).shape[0]
        self.kept: dict[str, torch.Tensor] = {name: value for name, value in inputs.items() if name in probes}
        for name, value in inputs.items():
            counter.emit(name, torch.count_nonzero(value))

    def run(self) -> None:
        """Compute every population, count its events, forget what is done with."""
        for step in self._plan.steps:
            name = step.node.name
            for projection in step.arrivals:
                self._counter.project(self._graph.nodes[projection], self.value)
            if name in self._plan.joint:
                a, b = self._joint_operands(name)
                self._counter.emit(name, joint_active(a, b, step.node.type.shape))
            else:
                self._values[name] = self._population(step)
                self._counter.emit(name, torch.count_nonzero(self._values[name]))
            if name in self._probes:
                self.kept[name] = self._values[name]
            for value in step.forget:
                self._values.pop(value, None)

    def value(self, name: str) -> torch.Tensor:
        """Any value: a population, a routed one, or a current."""
        if name not in self._values:
            node = self._graph.nodes[name]
            if node.op.family == "projection":
                return self._project((name,))
            self._values[name] = node.op.run(tuple(self.value(source) for source in node.inputs), {}, self._steps)
        return self._values[name]

    def _population(self, step: Step) -> torch.Tensor:
        """What a population emits."""
        op, bias = step.node.op, self._bias(step.node)
        current = self._current(step.terms)
        if isinstance(op, LoihiLif):
            return loihi_spikes(op, current, bias)
        current = current if bias is None else current + bias
        if isinstance(op, Lif):
            return source_spikes(op, current)
        if isinstance(op, Burst):
            return burst_spikes(op, current)
        assert isinstance(op, (Graded, Gate)), op
        emitted = payload(current, op.bits, op.shift)
        if isinstance(op, Gate):
            emitted = emitted * (self._current(step.enables) >= 1)
        return emitted

    def _bias(self, node: Node) -> torch.Tensor | None:
        bias = self._graph.arrays(node).get("bias")
        if bias is None:
            return None
        return torch.tensor(bias, device=self._device).to(torch.float64 if self._plan.integer else torch.float32)

    def _current(self, terms: Sequence[Term]) -> torch.Tensor:
        """The sum of the terms' currents, in order; integers in a type that holds the sum of their bounds."""
        total = self._routed(terms[0])
        if len(terms) > 1 and self._plan.integer:
            total = total.to(accumulator(sum(self._plan.bounds[name] for term in terms for name in term.group)))
        for term in terms[1:]:
            total = total + self._routed(term)
        return total

    def _routed(self, term: Term) -> torch.Tensor:
        """A group's product, routed as its first projection is."""
        first = self._graph.nodes[term.group[0]]
        if first.op.family != "projection":
            return self.value(term.value)
        chain: list[Node] = []
        node = self._graph.nodes[term.value]
        while node.name != first.name:
            chain.append(node)
            node = self._graph.nodes[node.inputs[0]]
        current = self._project(term.group)
        for node in reversed(chain):
            current = node.op.run((current,), {}, self._steps)
        return current

    def _project(self, group: tuple[str, ...]) -> torch.Tensor:
        """The product of the group's weights with its summed sources."""
        node = self._graph.nodes[group[0]]
        source = node.inputs[0]
        if source in self._plan.joint:
            return self._joint_sum(node, source)
        x = self.value(source)
        for other in group[1:]:
            x = x + self.value(self._graph.nodes[other].inputs[0])
        kind = self._accumulator(node, group, x)
        y = weighted_sum(node, x.to(kind), self._weight(node, kind))
        return y if self._plan.integer else y.to(torch.float32)

    def _joint_sum(self, node: Node, gate: str) -> torch.Tensor:
        assert isinstance(node.op, Sum)
        a, b = self._joint_operands(gate)
        kind = self._accumulator(node, (node.name,), a)
        y = joint_sum(a, b, self._graph.nodes[gate].type.shape, node.op.axes, kind)
        y = y if node.op.weight == 1 else y * node.op.weight
        return y if self._plan.integer else y.to(torch.float32)

    def _joint_operands(self, gate: str) -> tuple[torch.Tensor, torch.Tensor]:
        first, second = self._plan.joint[gate]
        return without_copies(self.value(first)), without_copies(self.value(second))

    def _accumulator(self, node: Node, group: tuple[str, ...], x: torch.Tensor) -> torch.dtype:
        """The number type in which a product is exact (integers), or rounded only once (the source's arithmetic)."""
        if not self._plan.integer:
            return torch.float64
        kind = accumulator(sum(self._plan.bounds[name] for name in group))
        if kind == torch.float32 or not isinstance(node.op, Linear):
            return kind
        largest = int(abs(self._graph.arrays(node)["weight"].astype("int64")).max(initial=0))
        return accumulator(largest_term_sum(x, largest))

    def _weight(self, node: Node, kind: torch.dtype) -> torch.Tensor | None:
        name = node.param("weight")
        return None if name is None else self._plan.weight(name, kind, self._device)
