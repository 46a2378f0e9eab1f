"""
How long windows may be for integers that were chosen for windows of T steps.

Whatever holds for every window of T steps holds for its first steps, so a shorter window needs nothing. For a longer one all
that depends on T is worked out again: how ties are kept (`ir.quantize.ties.firing_rule`), the fractions that a decay leaves,
and how large a membrane becomes. What calibration showed of it is extrapolated by the growth of a constant current:
sum over k < T of (1 - decay)^k, which ends for a leaky neuron. Integers that this leaves as they are, and within their
fields, may run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.ops.float_neurons.potential import Potential
from ir.ops.membrane import Leaky
from ir.profile import Arithmetic, Features
from ir.quantize.calibrated import CalibratedNetwork, calibrated
from ir.quantize.calibration import ValueStatistics
from ir.quantize.network import plan_network, quantizable
from ir.quantize.plan import NetworkPlan, PopulationPlan
from ir.quantize.population import PopulationPlanner

TRIED = 1 << 14
"""Steps from which on `longest` looks no further."""


@dataclass(frozen=True)
class WindowProof:
    """A float network whose integers are asked for how long they are right."""

    floating: Graph
    """As `quantize` was given it."""
    statistics: Mapping[str, ValueStatistics]
    """What calibration showed at T steps."""
    arithmetic: Arithmetic
    features: Features

    @cached_property
    def _network(self) -> CalibratedNetwork:
        chip = quantizable(self.floating, self.arithmetic, self.features)
        return calibrated(chip, self.statistics, self.arithmetic, self.features)

    @cached_property
    def _plan(self) -> NetworkPlan:
        return plan_network(self._network)

    def obstacle(self, steps: int) -> str:
        """The first population whose integers would not do for windows of `steps` steps, 0 for any number; "" for none."""
        if 0 < steps <= self.floating.steps:
            return ""
        network = _at(self._network, steps)
        if network is None:
            return "a membrane without bound"
        names = (name for name, plan in self._plan.populations.items() if not self._holds(network, name, plan))
        return next((f"%{name}" for name in names), "")

    def longest(self) -> int:
        """The most steps that windows may have, 0 for any number; at least T. The search ends at `TRIED`."""
        if not self.obstacle(0):
            return 0
        right, wrong = self.floating.steps, 2 * self.floating.steps
        while right < TRIED and not self.obstacle(wrong):
            right, wrong = wrong, 2 * wrong
        if right >= TRIED:
            return right
        while wrong - right > 1:
            middle = (right + wrong) // 2
            right, wrong = (right, middle) if self.obstacle(middle) else (middle, wrong)
        return right

    def _holds(self, network: CalibratedNetwork, name: str, plan: PopulationPlan) -> bool:
        """Whether a population's integers are those of the other window, too, and nothing leaves its field."""
        node = network.chip.nodes[name]
        if name not in network.neurons:
            return True
        payload = {each: plan.projections[each] for each in network.wiring.payload_projections(node)}
        try:
            integers, emission = PopulationPlanner(network, self._plan, node).integers(plan.unit, payload)
            least, least_before = (_range_bound(each, node, plan) for each in (network, self._network))
        except CompileError:
            return False
        same = (integers.op, emission) == (plan.op, plan.emission) and _equal(integers.params, plan.params)
        same = same and np.array_equal(integers.constant, plan.constant) and integers.ties == plan.report.ties
        return same and (integers.exact or not plan.report.exact) and least <= max(float(plan.unit.size), least_before)


def _range_bound(network: CalibratedNetwork, node: Node, plan: PopulationPlan) -> float:
    """The finest unit at which the membrane fits its field."""
    return network.finest_units(node)[plan.unit.narrowed]["range"]


def _at(network: CalibratedNetwork, steps: int) -> CalibratedNetwork | None:
    """The network with windows of `steps` steps, its calibration extrapolated; None where a membrane has no bound."""
    chip, growths = network.chip, dict[str, float]()
    for name, neurons in network.neurons.items():
        before = neurons.largest(lambda neuron: neuron.growth(chip.steps))
        growths[name] = max(1.0, neurons.largest(lambda neuron: neuron.growth(steps)) / before)
    if np.inf in growths.values():
        return None
    payloads = {name: growth for name, growth in growths.items() if isinstance(chip.nodes[name].op, (Leaky, Potential))}
    statistics = dict(network.statistics)
    for node in chip.nodes.values():
        if node.op.family != "neuron":
            continue
        own, wiring = statistics[node.name], network.wiring
        sources = {source for each in wiring.payload_projections(node) for source in wiring.sources[each]}
        current = own.current * max((payloads.get(source, 1.0) for source in sources), default=1.0)
        membrane = None if own.membrane is None else own.membrane * growths.get(node.name, 1.0)
        emitted = own.emitted * payloads.get(node.name, 1.0)
        statistics[node.name] = replace(own, current=current, membrane=membrane, emitted=emitted)
    return replace(network, chip=chip.lasting(steps), statistics=statistics)


def _equal(one: Mapping[str, Array], other: Mapping[str, Array]) -> bool:
    """Whether two tables of arrays hold the same."""
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
