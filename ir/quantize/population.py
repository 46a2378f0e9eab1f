"""
Plans the integers of one population after another: unit, weights, neuron, bias, and the scale of what it emits.

Populations are planned in graph order, so the scale of everything that a population reads is known when its turn comes;
payloads that go round a loop get theirs beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, log2

import numpy as np

from ir.analysis.ranges import emitted_magnitude, projected_magnitude
from ir.analysis.wiring import Wiring
from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.ops.base import Op
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Sum, Synapse
from ir.ops.neuron import Burst, Gate, Graded, Lif
from ir.quantize.calibration import ValueStatistics
from ir.quantize.kinds import Kinds, kinds_of
from ir.quantize.layer import layer_report
from ir.quantize.loops import looped_payloads, part_of_scale
from ir.quantize.membrane import Integers, Plan, integer_leaky, integer_lif
from ir.quantize.needs import firing_of, needs_of
from ir.quantize.report import LayerReport
from ir.quantize.rows import row_factors
from ir.quantize.units import (
    HEADROOM,
    Synapses,
    choose_unit,
    finest_unit,
    input_scale,
    payload_bits,
    payload_scale,
    payload_shift,
    synapses_of,
)
from ir.quantize.weights import QuantizedArray, round_weights
from ir.target import Arithmetic


@dataclass
class Planner:
    """
    The integers planned so far.

    scale, reach: input or population -> real value of one emitted integer, largest integer. units: projection -> real
    current of one weight unit. rounded: projection -> its integer weights. ops, params: population -> integer neuron, its
    arrays by role. input_bits: graded input -> bits of its payload.
    """

    chip: Graph
    wiring: Wiring
    seen: Mapping[str, ValueStatistics]
    arithmetic: Arithmetic
    scale: dict[str, float] = field(default_factory=dict)
    reach: dict[str, int] = field(default_factory=dict)
    units: dict[str, Fraction] = field(default_factory=dict)
    rounded: dict[str, QuantizedArray] = field(default_factory=dict)
    ops: dict[str, Op] = field(default_factory=dict)
    params: dict[str, dict[str, Array]] = field(default_factory=dict)
    input_bits: dict[str, int] = field(default_factory=dict)
    layers: list[LayerReport] = field(default_factory=list)
    _fixed: set[str] = field(default_factory=set)
    _kinds: dict[str, Kinds] = field(default_factory=dict)
    _factors: dict[str, Array] = field(default_factory=dict)
    _statistics: dict[object, Synapses] = field(default_factory=dict)

    def run(self) -> None:
        """Plan every input and population."""
        for node in self.chip.nodes.values():
            if node.op.family == "neuron":
                self._look_at(node)
        for name in looped_payloads(self.chip, self.wiring):
            self._fix_scale(name)
        for node in self.chip.nodes.values():
            if node.op.family == "input":
                self._plan_input(node)
            elif node.op.family == "neuron":
                self._plan_population(node)

    def _plan_input(self, node: Node) -> None:
        """Values from the host arrive as payloads, or as bias mantissas on a chip whose spikes carry none."""
        self.scale[node.name], self.reach[node.name] = 1.0, max(1, node.type.domain.bound)
        if node.type.domain.kind != "graded":
            return
        seen, bits = self.seen[node.name], self.arithmetic.payload_bits or self.arithmetic.bias_mantissa_bits
        scale = input_scale(self._wanted_scale(node.name), seen, bits)
        held = payload_bits(seen.emitted / scale, bits)
        self.scale[node.name], self.reach[node.name], self.input_bits[node.name] = scale, 1 << (held - 1), held

    def _look_at(self, node: Node) -> None:
        """What its neurons are, and which weight rows take an input gain; spikes and counts need no scale."""
        kinds = kinds_of(self.chip, node)
        if kinds is None:
            return
        self._kinds[node.name] = kinds
        if isinstance(node.op, Lif):
            self.scale[node.name], self.reach[node.name] = 1.0, node.op.max_spikes or emitted_magnitude(node.type)
        factors = kinds.each(lambda of: float(of.factor))
        for operand, names in zip(node.inputs, self.wiring.feeds[node.name], strict=True):
            if np.all(factors == 1):
                rows = np.ones(())
            elif np.all(factors == factors.ravel()[0]):
                rows = factors.ravel()[0]
            else:
                rows = row_factors(self.chip, node, operand, factors)
            for name in names:
                if not np.array_equal(self._factors.setdefault(name, rows), rows):
                    raise _shared(node)

    def _fix_scale(self, name: str) -> None:
        """A scale that suits the readers, before the population's own unit is known; that will be a part of it."""
        seen, bits = self.seen[name], self.arithmetic.payload_bits or 1
        scale = input_scale(self._wanted_scale(name), seen, bits)
        self.scale[name], self.reach[name] = scale, 1 << (payload_bits(HEADROOM * seen.emitted / scale, bits) - 1)
        self._fixed.add(name)

    def _plan_population(self, node: Node) -> None:
        kinds = self._kinds.get(node.name)
        unit = self._unit(node, kinds)
        for name in self.wiring.payload_projections(node):
            self._round(name, unit)
        if isinstance(node.op, Gate):
            self._round_enables(node)
        if kinds is not None:
            self._plan_membrane(node, kinds, unit)
        elif isinstance(node.op, (Graded, Gate)):
            self._plan_payload(node, unit)
        else:
            self._plan_burst(node, unit)

    def _unit(self, node: Node, kinds: Kinds | None) -> Fraction:
        """The real current of one weight unit; a projection that already feeds another population keeps its unit."""
        names = self.wiring.payload_projections(node)
        fixed = {self.units[name] for name in names if name in self.units}
        if len(fixed) > 1:
            raise _shared(node)
        if fixed:
            return fixed.pop()
        parts = tuple(replace(self._synapses(name), scale=self._source_scale(name)) for name in names)
        unit = choose_unit(
            parts, self._finest(node), firing_of(node, kinds, self.chip.steps, self.arithmetic), self.arithmetic
        )
        if node.name not in self._fixed:
            return unit
        return part_of_scale(node, Fraction(self.scale[node.name]) / self._emitted_unit(kinds), unit)

    def _emitted_unit(self, kinds: Kinds | None) -> Fraction:
        """The real value of one emitted integer, before any shift, per weight unit: a membrane keeps fractions of it."""
        return Fraction(1) if kinds is None else kinds.members[0].size / (1 << self.arithmetic.activation_shift)

    def _finest(self, node: Node) -> float:
        """The finest unit at which the population's integers fit their fields."""
        kinds, seen = self._kinds.get(node.name), self.seen[node.name]
        needs = needs_of(node, kinds, seen, self._bias(node), self.chip.steps)
        return finest_unit(needs, self.arithmetic)

    def _round(self, name: str, unit: Fraction) -> None:
        self.units[name] = unit
        self.rounded[name] = round_weights(
            self._weights(name), float(unit / Fraction(self._source_scale(name))), self._bits
        )

    def _round_enables(self, node: Node) -> None:
        """Enabling currents open a gate from 1 upwards, so they keep the integers that they are."""
        for name in set(self.wiring.projections(node.name)) - set(self.wiring.payload_projections(node)):
            self._round(name, Fraction(1))
            if self.rounded[name].error:
                what = f"the enabling synapses %{name} are not integers"
                raise CompileError(
                    "quantize.enable",
                    what,
                    where=f"%{node.name}  {node.provenance}",
                    hint="open gates by unit synapses",
                )

    def _plan_membrane(self, node: Node, kinds: Kinds, unit: Fraction) -> None:
        plan = Plan(node, kinds, self._bias(node), unit, self.chip.steps, self._current(node), self.arithmetic)
        integers = integer_lif(plan) if isinstance(node.op, Lif) else self._leaky(node, plan)
        self.ops[node.name], self.params[node.name] = integers.op, dict(integers.params)
        if np.any(integers.bias.integers):
            self.params[node.name]["bias"] = integers.bias.integers
        if isinstance(integers.op, IntegerLif):
            self.reach[node.name] = integers.op.max_spikes
        self._report(node, unit, integers)

    def _leaky(self, node: Node, plan: Plan) -> Integers:
        """Its payloads as fine as its readers ask for, and with room for what calibration did not show."""
        seen, one = self.seen[node.name], float(plan.unit * self._emitted_unit(plan.kinds))
        wide = self.arithmetic.payload_bits
        right = payload_shift(self._wanted_scale(node.name), one, seen, wide)
        if node.name in self._fixed:
            right = round(log2(self.scale[node.name] / one))
        scale = one * (1 << right)
        read = bool(self.wiring.readers(node.name))
        bits = max(2, payload_bits(HEADROOM * seen.emitted / scale, wide)) if read else wide
        self.scale[node.name], self.reach[node.name] = scale, 1 << (bits - 1)
        return integer_leaky(plan, bits, right)

    def _plan_payload(self, node: Node, unit: Fraction) -> None:
        op, seen, shift = node.op, self.seen[node.name], 0
        assert isinstance(op, (Graded, Gate))
        bits = min(op.bits, self.arithmetic.payload_bits)
        ideal = self._bias(node) / float(unit)
        reach = self._current(node) + ceil(np.abs(ideal).max(initial=0.0))
        if not self._is_exact(node):
            shift = payload_shift(self._wanted_scale(node.name), float(unit), seen, bits)
        if node.name in self._fixed:
            shift = round(log2(self.scale[node.name] / unit))
        if shift or not self._is_exact(node):
            reach = min(reach, ceil(HEADROOM * seen.emitted / float(unit)))
        held = payload_bits(-(-reach >> shift), bits)
        half = (1 << shift) >> 1
        integers = (np.rint(ideal) + half).astype(np.int32)
        if np.any(integers):
            self.params[node.name] = {"bias": integers}
        self.ops[node.name] = replace(op, bits=held, shift=shift)
        self.scale[node.name], self.reach[node.name] = (
            float(unit) * (1 << shift),
            min(1 << (held - 1), -(-reach >> shift)),
        )
        power = float(np.sum(ideal**2))
        error = float(np.sqrt(np.sum((np.rint(ideal) - ideal) ** 2) / power)) if power else 0.0
        self._report(node, unit, Integers(self.ops[node.name], QuantizedArray(integers, 0, error), 0, 0.0, shift == 0))

    def _plan_burst(self, node: Node, unit: Fraction) -> None:
        assert isinstance(node.op, Burst)
        if unit != 1 or not self._is_exact(node):
            what = "a burst counts unit spikes, but its synapses are not of weight 1"
            raise CompileError("quantize.burst", what, where=f"%{node.name}  {node.provenance}")
        self.ops[node.name], self.scale[node.name], self.reach[node.name] = node.op, 1.0, 1
        self._report(node, unit, Integers(node.op, QuantizedArray(np.zeros(1), 0, 0.0), 0, 0.0, True))

    def _wanted_scale(self, source: str) -> float:
        """The coarsest scale that a reader of the payload asks for."""
        wanted = [0.0]
        for name in self.wiring.readers(source):
            for target in self.wiring.targets.get(name, ()):
                node = self.chip.nodes[target]
                sources = {s for other in self.wiring.payload_projections(node) for s in self.wiring.sources[other]}
                finest, alone = self._finest(node), sources == {source}
                wanted.append(payload_scale(self._synapses(name), self.seen[source], finest, alone, self.arithmetic))
        return max(wanted)

    def _is_exact(self, node: Node) -> bool:
        """Whether no weight of the population was rounded."""
        return not any(self.rounded[name].error for name in self.wiring.payload_projections(node))

    def _current(self, node: Node) -> int:
        """The largest magnitude of the summed current, in weight units."""
        operands = node.op.payload_operands(self.wiring.feeds[node.name])
        return sum(max(self._projected(name) for name in names) for names in operands)

    def _projected(self, name: str) -> int:
        node = self.chip.nodes[name]
        integers = self.rounded[name].integers
        source = max(self.reach[population] for population in self.wiring.sources[name])
        if node.param("weight") is None:
            assert isinstance(node.op, (Synapse, Sum))
            node, weight = replace(node, op=replace(node.op, weight=int(integers))), None
        else:
            weight = integers
        return projected_magnitude(node, self.chip.args(node)[0], weight, source)

    def _report(self, node: Node, unit: Fraction, integers: Integers) -> None:
        names = self.wiring.payload_projections(node)
        stored = {self.chip.nodes[name].param("weight") or name: self.rounded[name] for name in names}
        seen = round(self.seen[node.name].current / float(unit))
        room = (1 << (self.arithmetic.state_bits - 1 - self.arithmetic.activation_shift)) - 1
        currents = (self._current(node), seen)
        self.layers.append(layer_report(node, unit, integers, tuple(stored.values()), currents, room))

    def _source_scale(self, projection: str) -> float:
        scales = {self.scale[source] for source in self.wiring.sources[projection]}
        if len(scales) > 1:
            what = f"%{projection} joins payloads of different scales"
            raise CompileError(
                "quantize.concat",
                what,
                where=str(self.chip.nodes[projection].provenance),
                hint="project them one by one",
            )
        return scales.pop()

    def _weights(self, projection: str) -> Array | float:
        node = self.chip.nodes[projection]
        rows = self._factors.get(projection, np.ones(()))
        if node.param("weight") is not None:
            weight = self.chip.arrays(node)["weight"]
            return (
                weight
                if np.all(rows == 1)
                else weight * rows.reshape(rows.shape + (1,) * rows.ndim * (weight.ndim - 1))
            )
        assert isinstance(node.op, (Synapse, Sum))
        return node.op.weight * float(rows)

    def _synapses(self, projection: str) -> Synapses:
        shared = self.chip.nodes[projection].param("weight")
        rows = self._factors.get(projection, np.ones(()))
        key = (shared, rows.tobytes()) if shared else ("one", self._weights(projection))
        if key not in self._statistics:
            self._statistics[key] = synapses_of(self._weights(projection), self.arithmetic)
        return self._statistics[key]

    def _bias(self, node: Node) -> Array:
        rank = min(1, len(node.type.shape))
        return np.asarray(self.chip.arrays(node).get("bias", np.zeros((1,) * rank)), np.float64)

    @property
    def _bits(self) -> int:
        return self.arithmetic.weight_bits


def _shared(node: Node) -> CompileError:
    what = "its projections also feed populations of other scales"
    return CompileError(
        "quantize.shared", what, where=f"%{node.name}  {node.provenance}", hint="give each its own weights"
    )
