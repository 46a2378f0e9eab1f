"""
Plans the integers of one population: its unit, the weights that feed it, its neurons, and the scale of what it emits.

Populations are planned in graph order, so what everything that a population reads emits is known when its turn comes; payloads
that go round a loop get their scale beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import ceil, log2

import numpy as np

from ir.errors import CompileError
from ir.graph import Node
from ir.ops.float_neurons.potential import Potential
from ir.ops.neuron import Gate, Graded, Lif
from ir.quantize.calibrated import CalibratedNetwork, shared_projection
from ir.quantize.calibration import HEADROOM
from ir.quantize.gains.trained_levels import in_own_steps
from ir.quantize.integers.integer_neurons import integer_leaky
from ir.quantize.integers.populations import IntegerPopulation, MembranePopulation
from ir.quantize.integers.potential import integer_potential
from ir.quantize.integers.programmed import firing_population
from ir.quantize.neurons.distinct import MembraneUnits
from ir.quantize.neurons.normalize import as_neuron
from ir.quantize.payloads import (
    Emission,
    integer_burst,
    integer_payload,
    is_difference,
    loop_refused,
    part_of_scale,
    payload_bits,
    payload_shift,
)
from ir.quantize.plan import NetworkPlan, PopulationPlan, ProjectionPlan
from ir.quantize.report import LayerReport, layer_report
from ir.quantize.rounding.projections import ProjectionRounder
from ir.quantize.units.amounts import firing_amounts
from ir.quantize.units.choose_unit import Unit, choose_unit
from ir.quantize.units.comparisons import check_difference, compared_unit, is_coarsened, largest_difference, least_unit
from ir.quantize.units.spans import times_apart
from ir.quantize.weights import WeightStatistics, common_quantum, weight_levels

Projections = Mapping[str, ProjectionPlan]


@dataclass(frozen=True)
class PopulationPlanner:
    """A population whose turn it is."""

    network: CalibratedNetwork
    before: NetworkPlan
    """The inputs and populations before it."""
    node: Node

    def plan(self) -> PopulationPlan:
        """The integers; CompileError for neurons or synapses that the chip's integers cannot be."""
        unit = self._unit()
        names = self.network.wiring.payload_projections(self.node)
        payload = {name: self.before.projections.get(name) or self._rounded(name, unit) for name in names}
        enabling = self._enabling()
        integers, emission = self.integers(unit, payload)
        report = self._report(unit, integers, payload, emission)
        projections = {**payload, **enabling}
        membrane = self._membrane(unit)
        return PopulationPlan(
            integers.op, integers.params, emission, projections, integers.constant, report, unit, membrane
        )

    @cached_property
    def _rounder(self) -> ProjectionRounder:
        return ProjectionRounder(self.network, self.node)

    def _rounded(self, projection: str, unit: Unit) -> ProjectionPlan:
        return self._rounder.plan(projection, unit, self._source_scale(projection))

    def _membrane(self, unit: Unit) -> MembraneUnits | None:
        """Real values of one unit of v, and of v = 0."""
        neurons, shift = self.network.neurons.get(self.node.name), self.network.arithmetic.activation_shift
        return None if neurons is None else neurons.in_units(unit.size / (1 << (shift - unit.narrowed)))

    def _unit(self) -> Unit:
        """The unit of the weights; a projection that already feeds another population keeps its own."""
        network, node = self.network, self.node
        names = network.wiring.payload_projections(node)
        fixed = {self.before.projections[name].unit for name in names if name in self.before.projections}
        if len(fixed) > 1:
            raise shared_projection(node)
        if fixed:
            return fixed.pop()
        currents = self._currents(names)
        if node.name in network.compared:
            return self._compared_unit(currents)
        neurons, bias, steps = network.neurons.get(node.name), network.bias(node), network.chip.steps
        firing = firing_amounts(node, neurons, bias, steps, network.arithmetic, network.programmable)
        finest = self._finest(names)
        if firing is None and (neurons is None or node.name in self.before.looped):
            finest = finest[:1]
        unit = choose_unit(currents, finest, firing, network.arithmetic, network.rows_apart(node), self._step(names))
        if node.name not in self.before.looped:
            return unit
        scale = Fraction(self.before.looped[node.name].scale) / self._emitted_unit()
        return Unit(part_of_scale(node, scale, unit.size))

    def _step(self, projections: Iterable[str]) -> Fraction | None:
        """The current of one step, where steps were chosen for the rows of weights, and what they read has one scale."""
        scales = {self._source_scale(name) for name in projections if in_own_steps(self.network.chip.nodes[name])}
        return Fraction(scales.pop()) if len(scales) == 1 else None

    def _currents(self, projections: Iterable[str]) -> tuple[WeightStatistics, ...]:
        """What one integer that is read causes, projection by projection."""
        return tuple(self.network.weight_statistics[name].scaled(self._source_scale(name)) for name in projections)

    def _finest(self, projections: Iterable[str]) -> list[float]:
        """The finest unit that fits the fields of all populations that read the projections, by how far the shift is narrowed."""
        targets = dict.fromkeys(name for each in projections for name in self.network.wiring.targets[each])
        bounds = [self.network.finest_units(self.network.chip.nodes[name]) for name in targets or (self.node.name,)]
        return [max(max(each.values()) for each in narrowed) for narrowed in zip(*bounds, strict=True)]

    def _compared_unit(self, currents: tuple[WeightStatistics, ...]) -> Unit:
        """The unit of payloads that are compared, and of those that hold their differences the same."""
        if is_difference(self.node):
            (scale,) = {self._source_scale(name) for name in self.network.wiring.projections(self.node.name)}
            return Unit(Fraction(scale))
        own_rows = self.network.rows_apart(self.node)
        return compared_unit(self.network, self.node, self.before.emissions, currents, own_rows)

    def _emitted_unit(self) -> Fraction:
        """The real value of one emitted integer, before any shift, per weight unit: a membrane keeps fractions of it."""
        neurons, shift = self.network.neurons.get(self.node.name), self.network.arithmetic.activation_shift
        return Fraction(1) if neurons is None else neurons.members[0].size / (1 << shift)

    def _source_scale(self, projection: str) -> float:
        """The real value of one integer that a projection reads."""
        scales = {self.before.emissions[source].scale for source in self.network.wiring.sources[projection]}
        if len(scales) > 1:
            what = f"%{projection} joins payloads of different scales"
            where = str(self.network.chip.nodes[projection].provenance)
            raise CompileError("quantize.concat", what, where=where, hint="project them one by one")
        return scales.pop()

    def _enabling(self) -> Projections:
        """Enabling currents open a gate from 1 upwards, so their synapses keep the integers that they are."""
        wiring, node = self.network.wiring, self.node
        names = [name for name in wiring.projections(node.name) if name not in wiring.payload_projections(node)]
        if any(self.before.projections[name].unit.size != 1 for name in names if name in self.before.projections):
            raise shared_projection(node)
        enabling = {name: self._rounded(name, Unit(Fraction(1))) for name in names}
        for name, projection in enabling.items():
            if projection.weights.error:
                what, where = f"the enabling synapses %{name} are not integers", f"%{node.name}  {node.provenance}"
                raise CompileError("quantize.enable", what, where=where, hint="open gates by unit synapses")
        return enabling

    def integers(self, unit: Unit, payload: Projections) -> tuple[IntegerPopulation, Emission]:
        """The population as the chip's neurons, and what they emit."""
        network, node = self.network, self.node
        bias, current = network.bias(node), self._largest_current(payload, self.before.emissions)
        neurons = network.neurons.get(node.name)
        if neurons is not None:
            steps = network.chip.steps
            quantum = common_quantum([projection.weights for projection in payload.values()])
            membrane = MembranePopulation(
                as_neuron(node), neurons, bias, unit, steps, current, network.arithmetic, quantum, network.programmable
            )
            if not isinstance(node.op, Lif):
                return self._membrane_payload(membrane)
            integers, most = firing_population(membrane)
            return integers, Emission(1.0, most)
        if node.name in network.compared:
            return self._compared(unit, payload)
        exact = not any(projection.weights.error for projection in payload.values())
        if not isinstance(node.op, (Graded, Gate)):
            return integer_burst(node, unit.size, exact)
        bits = min(node.op.bits, network.arithmetic.payload_bits)
        sent = Emission(float(unit.size), current + ceil(np.abs(bias).max(initial=0.0) / unit.size)) if exact else None
        shift = self._shift(float(unit.size), bits, sent)
        return integer_payload(node, bias, unit.size, current, network.statistics[node.name], bits, shift, exact)

    def _compared(self, unit: Unit, payload: Projections) -> tuple[IntegerPopulation, Emission]:
        """Payloads that are their currents to the last unit; DeployError where a difference of two of them may wrap."""
        network, node, bias = self.network, self.node, self.network.bias(self.node)
        assert isinstance(node.op, Graded)
        current = self._largest_current(payload, self.before.emissions)
        if is_difference(node):
            current = largest_difference(network, node, self.before.emissions)
        else:
            check_difference(network, node, self._largest_difference(unit, payload))
        bits = min(node.op.bits, network.arithmetic.payload_bits)
        return integer_payload(node, bias, unit.size, current, network.statistics[node.name], bits, 0, True)

    def _largest_difference(self, unit: Unit, payload: Projections) -> int:
        """How far two sums of a channel can lie apart, in weight units, for any emissions."""
        chip, node, bias = self.network.chip, self.node, self.network.bias(self.node)
        apart = {
            name: replace(plan, magnitude=times_apart(chip, node, name) * plan.magnitude)
            for name, plan in payload.items()
        }
        constant = round(float(np.abs(bias).max(initial=0.0)) / float(unit.size))
        return self._largest_current(apart, self.before.emissions) + 2 * constant

    def _membrane_payload(self, membrane: MembranePopulation) -> tuple[IntegerPopulation, Emission]:
        """Payloads as fine as their readers ask for, and with room for what calibration did not show."""
        name, bits = self.node.name, self.network.arithmetic.payload_bits
        one = float(membrane.unit.size * membrane.neurons.members[0].size / (1 << membrane.shift))
        right = self._shift(one, bits)
        scale = one * (1 << right)
        if self.network.wiring.readers(name):
            bits = max(2, payload_bits(HEADROOM * self.network.statistics[name].emitted / scale, bits))
        emission = Emission(scale, 1 << (bits - 1))
        if isinstance(self.node.op, Potential):
            return integer_potential(membrane, self.node, bits, right), emission
        return integer_leaky(membrane, bits, right), emission

    def _shift(self, one: float, bits: int, exact: Emission | None = None) -> int:
        """The right shift of payloads whose integers have the real value `one` before it; `exact`: where nothing was rounded."""
        network, name = self.network, self.node.name
        if name in self.before.looped:
            right = round(log2(self.before.looped[name].scale / one))
            if one * 2**right != self.before.looped[name].scale:
                raise loop_refused(self.node, "are no shift of those that its weights make")
            return right
        return payload_shift(network.readers_scale(name, exact), one, network.statistics[name], bits)

    def _largest_current(self, payload: Projections, emissions: Mapping[str, Emission]) -> int:
        """The largest magnitude of the summed current, in weight units."""
        wiring = self.network.wiring
        summed = self.node.op.payload_operands(wiring.feeds[self.node.name])
        reach = {name: max(emissions[source].reach for source in wiring.sources[name]) for name in payload}
        return sum(max(payload[name].magnitude * reach[name] for name in names) for names in summed)

    def _report(self, unit: Unit, integers: IntegerPopulation, payload: Projections, emission: Emission) -> LayerReport:
        network, node = self.network, self.node
        stored = {network.chip.nodes[name].param("weight") or name: plan.weights for name, plan in payload.items()}
        proven = self._largest_current(payload, {**self.before.emissions, node.name: emission})
        shown = round(network.statistics[node.name].current / float(unit.size))
        arithmetic = network.arithmetic
        room = (1 << (arithmetic.state_bits - 1 - arithmetic.activation_shift + unit.narrowed)) - 1
        bounds = network.finest_units(node)[unit.narrowed]
        report = layer_report(
            node, unit.size, integers, tuple(stored.values()), (proven, shown), room, bounds, weight_levels(arithmetic)
        )
        return replace(report, limit="range") if not report.exact and self._is_coarsened() else report

    def _is_coarsened(self) -> bool:
        """Whether what is compared needs a coarser unit than the weights do."""
        network, node = self.network, self.node
        if node.name not in network.compared or is_difference(node):
            return False
        currents = self._currents(network.wiring.payload_projections(node))
        return is_coarsened(least_unit(network, node, self.before.emissions, currents), currents, network.arithmetic)
