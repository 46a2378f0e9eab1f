"""
Plans the integers of one population after another: unit, weights, neuron, bias, and the scale of what it emits.

Populations are planned in graph order, so the scale of everything that a population reads is known when its turn comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, prod

import numpy as np

from hw_profiles.schema import Arithmetic
from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.ops.base import Op
from ir.ops.linear import Sum, Synapse
from ir.ops.neuron import Burst, Gate, Graded, Lif
from ir.passes.quantize_calibration import Seen
from ir.passes.quantize_neuron import Membrane, compare, integer_neuron, membrane_of
from ir.passes.quantize_ranges import projected_magnitude
from ir.passes.quantize_report import LayerReport
from ir.passes.quantize_units import (
    HEADROOM,
    Firing,
    Needs,
    Synapses,
    choose_unit,
    finest_unit,
    input_scale,
    payload_bits,
    payload_scale,
    payload_shift,
    synapses_of,
)
from ir.passes.quantize_weights import Rounded, round_bias, round_weights
from ir.passes.schedule_wiring import Wiring


@dataclass
class Planner:
    """
    The integers planned so far.

    scale, reach: input or population -> real value of one emitted integer, largest integer. units: projection -> real
    current of one weight unit. rounded: projection -> its integer weights. ops, biases: population -> integer neuron, bias.
    input_bits: graded input -> bits of its payload.
    """

    chip: Graph
    wiring: Wiring
    seen: Mapping[str, Seen]
    arithmetic: Arithmetic
    scale: dict[str, float] = field(default_factory=dict)
    reach: dict[str, int] = field(default_factory=dict)
    units: dict[str, Fraction] = field(default_factory=dict)
    rounded: dict[str, Rounded] = field(default_factory=dict)
    ops: dict[str, Op] = field(default_factory=dict)
    biases: dict[str, Array] = field(default_factory=dict)
    input_bits: dict[str, int] = field(default_factory=dict)
    layers: list[LayerReport] = field(default_factory=list)
    _statistics: dict[object, Synapses] = field(default_factory=dict)

    def run(self) -> None:
        """Plan every input and population."""
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

    def _plan_population(self, node: Node) -> None:
        membrane = membrane_of(node) if isinstance(node.op, Lif) else None
        unit = self._unit(node, membrane)
        for name in self.wiring.payload_projections(node):
            self._round(name, unit)
        if isinstance(node.op, Gate):
            self._round_enables(node)
        if membrane is not None:
            self._plan_threshold(node, membrane, unit)
        elif isinstance(node.op, (Graded, Gate)):
            self._plan_payload(node, unit)
        else:
            self._plan_burst(node, unit)

    def _unit(self, node: Node, membrane: Membrane | None) -> Fraction:
        """The real current of one weight unit; a projection that already feeds another population keeps its unit."""
        names = self.wiring.payload_projections(node)
        fixed = {self.units[name] for name in names if name in self.units}
        if len(fixed) > 1:
            what = "its projections also feed populations of other scales"
            raise CompileError("quantize.shared", what, f"%{node.name}  {node.where}", "give each its own weights")
        if fixed:
            return fixed.pop()
        parts = tuple(replace(self._synapses(name), scale=self._source_scale(name)) for name in names)
        firing = membrane and Firing(membrane.threshold, membrane.is_whole and not node.param("bias"))
        return choose_unit(parts, self._finest(node, membrane), firing, self.arithmetic)

    def _finest(self, node: Node, membrane: Membrane | None) -> float:
        current = self.seen[node.name].current
        if membrane is None:
            return finest_unit(Needs(current, 1.0, 0.0, 0.0), self.arithmetic)
        bias = float(np.abs(self._bias(node) + float(membrane.drift)).max(initial=0.0))
        window = membrane.window_factor(self.chip.steps)
        return finest_unit(Needs(current, window, float(membrane.threshold), bias), self.arithmetic)

    def _round(self, name: str, unit: Fraction) -> None:
        self.units[name] = unit
        weights = np.asarray(self._weights(name), np.float64)
        self.rounded[name] = round_weights(weights, float(unit / Fraction(self._source_scale(name))), self._bits)

    def _round_enables(self, node: Node) -> None:
        """Enabling currents open a gate from 1 upwards, so they keep the integers that they are."""
        for name in set(self.wiring.projections(node.name)) - set(self.wiring.payload_projections(node)):
            self._round(name, Fraction(1))
            if self.rounded[name].error:
                what = f"the enabling synapses %{name} are not integers"
                raise CompileError(
                    "quantize.enable", what, f"%{node.name}  {node.where}", "open gates by unit synapses"
                )

    def _plan_threshold(self, node: Node, membrane: Membrane, unit: Fraction) -> None:
        shift = self.arithmetic.activation_shift
        drive = self._bias(node) / float(unit) + float(membrane.drift / unit)
        whole = bool(np.all(drive == np.rint(drive)))
        ratio = membrane.threshold / unit
        comparison = compare(membrane, ratio, whole, self.chip.steps, self.arithmetic)
        bias = round_bias(drive * (1 << shift) + comparison.bias, self.arithmetic)
        if np.any(bias.integers):
            self.biases[node.name] = bias.integers
        reach = (self._current(node) << shift) + int(np.abs(bias.integers).max(initial=0))
        assert isinstance(node.op, Lif)
        op = integer_neuron(node.op, membrane, comparison.vth, reach, self.arithmetic)
        self.ops[node.name], self.scale[node.name], self.reach[node.name] = op, 1.0, 1
        decay_error = 0.0 if membrane.decay == 1 else float(membrane.decay) - op.dv / (1 << op.decay_bits)
        self._report(node, unit, comparison.vth, bias, decay_error, comparison.exact)

    def _plan_payload(self, node: Node, unit: Fraction) -> None:
        op, seen, shift = node.op, self.seen[node.name], 0
        assert isinstance(op, (Graded, Gate))
        bits = min(op.bits, self.arithmetic.payload_bits)
        ideal = self._bias(node) / float(unit)
        reach = self._current(node) + ceil(np.abs(ideal).max(initial=0.0))
        if not self._is_exact(node):
            shift = payload_shift(self._wanted_scale(node.name), float(unit), seen, bits)
            reach = min(reach, ceil(HEADROOM * seen.emitted / float(unit)))
        held = payload_bits(-(-reach >> shift), bits)
        half = (1 << shift) >> 1
        integers = (np.rint(ideal) + half).astype(np.int32)
        if np.any(integers):
            self.biases[node.name] = integers
        self.ops[node.name] = replace(op, bits=held, shift=shift)
        self.scale[node.name], self.reach[node.name] = (
            float(unit) * (1 << shift),
            min(1 << (held - 1), -(-reach >> shift)),
        )
        power = float(np.sum(ideal**2))
        error = float(np.sqrt(np.sum((np.rint(ideal) - ideal) ** 2) / power)) if power else 0.0
        self._report(node, unit, 0, Rounded(integers, 0, error), 0.0, shift == 0)

    def _plan_burst(self, node: Node, unit: Fraction) -> None:
        assert isinstance(node.op, Burst)
        if unit != 1 or not self._is_exact(node):
            what = "a burst counts unit spikes, but its synapses are not of weight 1"
            raise CompileError("quantize.burst", what, f"%{node.name}  {node.where}")
        self.ops[node.name], self.scale[node.name], self.reach[node.name] = node.op, 1.0, 1
        self._report(node, unit, 0, Rounded(np.zeros(1), 0, 0.0), 0.0, True)

    def _wanted_scale(self, source: str) -> float:
        """The coarsest scale that a reader of the payload asks for."""
        wanted = [0.0]
        for name in self.wiring.readers(source):
            for target in self.wiring.targets.get(name, ()):
                node = self.chip.nodes[target]
                membrane = membrane_of(node) if isinstance(node.op, Lif) else None
                sources = {s for other in self.wiring.payload_projections(node) for s in self.wiring.sources[other]}
                finest, alone = self._finest(node, membrane), sources == {source}
                wanted.append(payload_scale(self._synapses(name), self.seen[source], finest, alone, self.arithmetic))
        return max(wanted)

    def _is_exact(self, node: Node) -> bool:
        """Whether no weight of the population was rounded."""
        return not any(self.rounded[name].error for name in self.wiring.payload_projections(node))

    def _current(self, node: Node) -> int:
        """The largest magnitude of the summed current, in weight units."""
        operands = self.wiring.feeds[node.name]
        kept = operands[: -node.op.enables] if isinstance(node.op, Gate) else operands
        return sum(max(self._projected(name) for name in names) for names in kept)

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

    def _report(self, node: Node, unit: Fraction, vth: int, bias: Rounded, decay_error: float, exact: bool) -> None:
        names = self.wiring.payload_projections(node)
        stored = {self.chip.nodes[name].param("weight") or name: self.rounded[name] for name in names}
        clipped = sum(part.saturated for part in stored.values()) + bias.saturated
        error = max((part.error for part in stored.values()), default=0.0)
        self.layers.append(
            LayerReport(
                name=node.name,
                module=node.where.module,
                unit=float(unit),
                threshold=vth,
                weights=sum(prod(part.integers.shape) for part in stored.values()),
                saturated=clipped,
                weight_error=error,
                bias_error=bias.error,
                decay_error=decay_error,
                proven=self._current(node),
                seen=round(self.seen[node.name].current / float(unit)),
                room=(1 << (self.arithmetic.state_bits - 1 - self.arithmetic.activation_shift)) - 1,
                exact=exact and not (clipped or error or bias.error or decay_error),
            )
        )

    def _source_scale(self, projection: str) -> float:
        scales = {self.scale[source] for source in self.wiring.sources[projection]}
        if len(scales) > 1:
            what = f"%{projection} joins payloads of different scales"
            raise CompileError(
                "quantize.concat", what, str(self.chip.nodes[projection].where), "project them one by one"
            )
        return scales.pop()

    def _weights(self, projection: str) -> Array | float:
        node = self.chip.nodes[projection]
        if node.param("weight") is not None:
            return self.chip.arrays(node)["weight"]
        assert isinstance(node.op, (Synapse, Sum))
        return node.op.weight

    def _synapses(self, projection: str) -> Synapses:
        key = self.chip.nodes[projection].param("weight") or ("one", self._weights(projection))
        if key not in self._statistics:
            self._statistics[key] = synapses_of(self._weights(projection), self.arithmetic)
        return self._statistics[key]

    def _bias(self, node: Node) -> Array:
        rank = min(1, len(node.type.shape))
        return np.asarray(self.chip.arrays(node).get("bias", np.zeros((1,) * rank)), np.float64)

    @property
    def _bits(self) -> int:
        return self.arithmetic.weight_bits
