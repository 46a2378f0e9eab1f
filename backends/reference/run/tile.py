"""One tile of samples through a plan: populations in order, everything between them computed when it is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import torch

from backends.reference.kernels.contraction import Factors
from backends.reference.kernels.product import accumulator
from backends.reference.kernels.values import Emitted, without_copies
from backends.reference.plan.steps import Step
from backends.reference.run.counting import EventCounter
from backends.reference.run.loop import run_loop_block
from backends.reference.run.parameters import DeviceParameters
from ir.analysis.weight_groups import WeightGroup
from ir.graph import Node
from ir.ops.linear import Sum
from ir.ops.over_time.delay import Delay, Past


class EmittingPopulation(Protocol):
    """How a population emits."""

    def emit(self, tile: Tile) -> Emitted:
        """What it emits, (T, B, *shape), from what arrives in a tile."""
        ...


class Tile:
    """
    The values of some samples, (T, B, *shape): emitted ones as they travel, currents in floats.

    Args:
        populations: population -> how it emits; none for those that are never materialised.
        inputs: as they travel. probes: populations and inputs to keep.
    """

    def __init__(
        self,
        parameters: DeviceParameters,
        populations: Mapping[str, EmittingPopulation],
        inputs: Mapping[str, torch.Tensor],
        probes: Collection[str],
        counter: EventCounter,
    ) -> None:
        self.parameters, self.plan, self.kernels = parameters, parameters.plan, parameters.kernels
        self._populations, self._probes, self._counter = populations, probes, counter
        self._values: dict[str, torch.Tensor] = dict(inputs)
        self._factors: dict[str, Factors] = {}
        self._arrived: dict[tuple[str, tuple[WeightGroup, ...]], torch.Tensor] = {}
        self.steps, self.batch = next(iter(inputs.values())).shape[:2]
        self.probed = {name: value for name, value in inputs.items() if name in probes}
        """Probed populations and inputs; they outlive their last reader."""

    def compute(self) -> None:
        """Compute every population, count its events, forget what nothing needs any more."""
        for name, value in self._values.items():
            self._counter.emit(name, self.kernels.active(value))
        for step in self.plan.steps:
            self._emit(step)
            for projection in step.arrivals:
                self._counter.project(self.plan.graph.nodes[projection], self.value)
            for name in step.forget:
                self._values.pop(name, None)
                self._factors.pop(name, None)
            if not step.arrives_again:
                self._arrived.clear()

    def value(self, name: str) -> torch.Tensor:
        """An emitted value: of a population, an input, or behind routing, which is kept until its last reader."""
        if name not in self._values:
            self._values[name] = self._computed(name)
        return self._values[name]

    def total(self, terms: Sequence[WeightGroup]) -> torch.Tensor:
        """The sum of the terms, in order; integers in a dtype that holds the sum of their bounds. Not to be written to."""
        return self.arriving("total", tuple(terms), self._total)

    def arriving(
        self,
        form: str,
        terms: tuple[WeightGroup, ...],
        compute: Callable[[tuple[WeightGroup, ...]], torch.Tensor],
    ) -> torch.Tensor:
        """What arrives of the terms in some form, computed once for the populations in a row that all of it reaches."""
        if (form, terms) not in self._arrived:
            self._arrived[form, terms] = compute(terms)
        return self._arrived[form, terms]

    def _total(self, terms: tuple[WeightGroup, ...]) -> torch.Tensor:
        total = self._routed(terms[0])
        if len(terms) > 1 and self.plan.integer:
            total = total.to(accumulator(self.plan.bound(terms)))
        for term in terms[1:]:
            total = total + self._routed(term)
        return total

    def _emit(self, step: Step) -> None:
        name = step.node.name
        if name in self.plan.contracted:
            reader = self.plan.readers[name][0]
            self._counter.emit(name, self._factors_of(name, reader).active(self.kernels))
            return
        self._values[name], active = self._populations[name].emit(self)
        self._counter.emit(name, active)
        if name in self._probes:
            self.probed[name] = self._values[name]

    def _current(self, name: str) -> torch.Tensor:
        """Any value; a current is computed anew for every reader."""
        return self._values[name] if name in self._values else self._computed(name)

    def _computed(self, name: str) -> torch.Tensor:
        """A value that nothing has computed yet; what lies on a loop comes with all of the loop."""
        node = self.plan.graph.nodes[name]
        if node.op.family == "projection":
            return self._projected((name,))
        if name in self.plan.loops:
            block = self.plan.loops[name]
            outside = {source: self._current(source) for source in block.outside}
            self._values.update(run_loop_block(block, outside, self.parameters, self.steps, self.batch))
            return self._values[name]
        of_currents = node.type.domain.kind == "current"
        operands = tuple(self._current(source) if of_currents else self.value(source) for source in node.reads)
        if isinstance(node.op, Past):
            return Delay(node.op.steps).run(operands, {}, self.steps)
        return self.parameters.route(node)(operands, self.steps)

    def _routed(self, term: WeightGroup) -> torch.Tensor:
        """A group's product, routed as its first operand is."""
        node = self.plan.graph.nodes[term.operand]
        if term.projections == (term.operand,):
            return self._current(term.operand)
        if node.op.family == "projection":
            return self._projected(term.projections)
        behind = WeightGroup(node.inputs[0], term.projections)
        return self.parameters.route(node)((self._routed(behind),), self.steps)

    def _projected(self, projections: tuple[str, ...]) -> torch.Tensor:
        """What projections of the same weights make of what they read, all together."""
        node = self.plan.graph.nodes[projections[0]]
        if node.inputs[0] in self.plan.contracted:
            return self._contracted_sum(node, node.inputs[0])
        first = self.plan.products.get(node.name) if len(projections) == 1 else None
        if first is None:
            return self.parameters.product(projections).current(self.value)
        if first not in self._values:
            self._values[first] = self.parameters.product((first,)).current(self.value)
        return self._values[first]

    def _contracted_sum(self, node: Node, gate: str) -> torch.Tensor:
        """A sum over a population that is not materialised."""
        assert isinstance(node.op, Sum)
        y = self._factors_of(gate, node).total(node.op.axes)
        y = y if node.op.weight == 1 else y * node.op.weight
        return y if self.plan.integer else y.to(torch.float32)

    def _factors_of(self, gate: str, reader: Node) -> Factors:
        """The two factors of a population that is not materialised, as one of its sums needs them."""
        assert isinstance(reader.op, Sum)
        if reader.name not in self._factors:
            a, b = (without_copies(self.value(name)) for name in self.plan.contracted[gate])
            bound, shape = self.plan.bounds.get(reader.name, 0), self.plan.graph.nodes[gate].type.shape
            dtype = self.kernels.contraction_dtype(bound) if self.plan.integer else torch.float64
            self._factors[reader.name] = Factors.of(a, b, shape, reader.op.axes, dtype)
        return self._factors[reader.name]
