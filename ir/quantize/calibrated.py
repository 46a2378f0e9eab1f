"""A float network with all that is known of it before any integer is chosen: neurons, weights, what calibration showed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add

import numpy as np

from ir.analysis.ranges import emitted_magnitude
from ir.analysis.wiring import Wiring, wiring_of
from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.ops.linear import Sum, Synapse
from ir.ops.neuron import Lif
from ir.profile import Arithmetic, Features
from ir.quantize.calibration import HEADROOM, ValueStatistics
from ir.quantize.gains.row_gains import row_factors
from ir.quantize.gains.trained_levels import in_own_steps
from ir.quantize.neurons.distinct import DistinctNeurons, distinct_neurons
from ir.quantize.payloads import Emission, compared_payloads, input_scale, looped_payloads, payload_bits, payload_scale
from ir.quantize.units.amounts import finest_units, firing_amounts, largest_values
from ir.quantize.units.choose_unit import grid_unit
from ir.quantize.units.spans import spans, widest_difference
from ir.quantize.weights import WeightStatistics, weight_levels, weight_statistics


@dataclass(frozen=True)
class CalibratedNetwork:
    """A float network at level synaptic, and everything that the choice of its integers starts from."""

    chip: Graph
    wiring: Wiring
    statistics: Mapping[str, ValueStatistics]
    """Input or population -> what calibration showed."""
    arithmetic: Arithmetic
    programmable: bool
    """Whether the chip's neurons run programs of ours."""
    neurons: Mapping[str, DistinctNeurons]
    """Population -> its distinct neurons; only those with a membrane."""
    weights: Mapping[str, Array | float]
    """Projection -> its real weights, with the input gains of the neurons that it feeds; one number for unit synapses."""
    weight_statistics: Mapping[str, WeightStatistics]
    """Projection -> what its weights are like."""
    compared: frozenset[str]
    """The populations whose payloads are differences, or make them: their unit is proven, not calibrated."""

    @cached_property
    def products(self) -> dict[str, Array]:
        """Weight that is rounded -> the products of what all populations read by it (`ir.quantize.rounding.products`)."""
        tables = [statistics.products for statistics in self.statistics.values()]
        return {name: reduce(add, (each[name] for each in tables if name in each)) for each in tables for name in each}

    def rows_apart(self, node: Node) -> bool:
        """Whether every row of weights may have an exponent: programmable neurons shift what one matrix brings them."""
        names = self.wiring.payload_projections(node)
        return self.programmable and len({self.chip.nodes[name].param("weight") for name in names}) == 1

    def bias(self, node: Node) -> Array:
        """The bias of a population, broadcastable to its shape; zero where it has none."""
        rank = min(1, len(node.type.shape))
        return np.asarray(self.chip.arrays(node).get("bias", np.zeros((1,) * rank)), np.float64)

    def finest_units(self, node: Node) -> tuple[dict[str, float], ...]:
        """What bounds the population's unit -> the finest one; for every number of bits that its shift may be narrowed by."""
        neurons, statistics = self.neurons.get(node.name), self.statistics[node.name]
        values = largest_values(node, neurons, statistics, self.bias(node), self.chip.steps)
        widest = self.arithmetic.activation_shift if self.arithmetic.weight_exponent_max else 0
        return tuple(finest_units(values, self.arithmetic, narrowed) for narrowed in range(widest + 1))

    def finest_unit(self, node: Node) -> float:
        """The finest unit at which the population's integers fit their fields behind the chip's own shift."""
        return self._finest(node, {})[0]

    def _finest(self, node: Node, exact: Mapping[str, Emission]) -> list[float]:
        """The finest units, by how far the shift is narrowed; `exact`: what sources send, where that is known."""
        fields = [max(each.values()) for each in self.finest_units(node)]
        return [max(fields[0], self._comparable_unit(node, exact))] if node.name in self.compared else fields

    def _comparable_unit(self, node: Node, exact: Mapping[str, Emission]) -> float:
        """The finest unit at which no difference of two sums wraps, but for rounding; payloads as large as they may become."""
        reach = {name: each.reach * each.scale for name, each in exact.items()}
        difference = sum(
            span.weights * max(reach.get(source, self._reach(source)) for source in self.wiring.sources[name])
            for name, span in spans(self.chip, self.wiring, node, self.weights).items()
        )
        return difference / widest_difference(self.arithmetic)

    def _reach(self, source: str) -> float:
        """The largest real value that an input or a population sends."""
        kind = self.chip.nodes[source].type
        return HEADROOM * self.statistics[source].emitted if kind.domain.kind == "graded" else emitted_magnitude(kind)

    def readers_scale(self, source: str, exact: Emission | None = None) -> float:
        """
        The coarsest scale that a reader of the payload asks for; 0 where nobody reads it.

        Args:
            exact: what it sends where nothing is rounded, if that is known. A reader that stays exact with it asks for its scale.
        """
        scales = [0.0]
        for name, target in self.wiring.populations_reading(source):
            node = self.chip.nodes[target]
            if exact is not None and self._stays_exact(node, {source: exact}):
                scales.append(exact.scale)
                continue
            reader, finest = self.weight_statistics[name], self.finest_unit(node)
            alone = self._presynaptic(node) == {source}
            scales.append(payload_scale(reader, self.statistics[source], finest, alone, self.arithmetic))
        return max(scales)

    def _stays_exact(self, node: Node, exact: Mapping[str, Emission]) -> bool:
        """Whether one unit holds all that a population reads, where sources send `exact` and other inputs lie on their grids."""
        known = {source: each.scale for source, each in exact.items()}
        currents: list[WeightStatistics] = []
        for name in self.wiring.payload_projections(node):
            scales = {known.get(source, self._grid(source)) for source in self.wiring.sources[name]}
            if len(scales) > 1 or 0.0 in scales:
                return False
            currents.append(self.weight_statistics[name].scaled(scales.pop()))
        neurons, bias, own_rows = self.neurons.get(node.name), self.bias(node), self.rows_apart(node)
        firing = firing_amounts(node, neurons, bias, self.chip.steps, self.arithmetic, self.programmable)
        return grid_unit(tuple(currents), self._finest(node, exact), firing, self.arithmetic, own_rows) is not None

    def _grid(self, source: str) -> float:
        """Of which all that a source sends are multiples; 0 where that is not known."""
        return self.statistics[source].quantum if self.chip.nodes[source].type.domain.kind == "graded" else 1.0

    def _presynaptic(self, node: Node) -> set[str]:
        """The populations and inputs whose emissions a population sums."""
        return {source for name in self.wiring.payload_projections(node) for source in self.wiring.sources[name]}

    def spike_emissions(self) -> dict[str, Emission]:
        """What populations of spikes and counts send: nothing about it has to be chosen."""
        return {
            node.name: Emission(1.0, node.op.max_spikes or emitted_magnitude(node.type))
            for node in self.chip.nodes.values()
            if isinstance(node.op, Lif)
        }

    def looped_emissions(self) -> dict[str, Emission]:
        """What payload populations send that are read before their turn comes: a scale that suits their readers."""
        return {name: self._looped_emission(name) for name in looped_payloads(self.chip, self.wiring)}

    def _looped_emission(self, name: str) -> Emission:
        statistics, bits = self.statistics[name], self.arithmetic.payload_bits or 1
        scale = input_scale(self.readers_scale(name), statistics, bits)
        return Emission(scale, 1 << (payload_bits(HEADROOM * statistics.emitted / scale, bits) - 1))


def calibrated(
    chip: Graph, statistics: Mapping[str, ValueStatistics], arithmetic: Arithmetic, features: Features | None = None
) -> CalibratedNetwork:
    """
    What is known of a network before any integer is chosen; without `features`, of a chip that can do everything.

    Raises:
        CompileError: neurons that the chip's cannot be, or input gains that shared weights cannot take.
    """
    wiring = wiring_of(chip)
    neurons: dict[str, DistinctNeurons] = {}
    factors: dict[str, Array] = {}
    for node in chip.nodes.values():
        population = distinct_neurons(chip, node) if node.op.family == "neuron" else None
        if population is None:
            continue
        neurons[node.name] = population
        for name, rows in _row_factors(chip, wiring, node, population):
            if not np.array_equal(factors.setdefault(name, rows), rows):
                raise shared_projection(node)
    names = [node.name for node in chip.nodes.values() if node.op.family == "projection"]
    weights = {name: _real_weights(chip, name, factors.get(name, np.ones(()))) for name in names}
    weights_like = _statistics(chip, weights, factors, arithmetic)
    programmable = features is None or features.programmable_neurons
    compared = compared_payloads(chip, wiring)
    return CalibratedNetwork(
        chip, wiring, statistics, arithmetic, programmable, neurons, weights, weights_like, compared
    )


def shared_projection(node: Node) -> CompileError:
    """The error of a population whose projections must have two units at once."""
    what = "its projections also feed populations of other scales"
    where = f"%{node.name}  {node.provenance}"
    return CompileError("quantize.shared", what, where=where, hint="give each its own weights")


def _row_factors(chip: Graph, wiring: Wiring, node: Node, neurons: DistinctNeurons) -> Iterator[tuple[str, Array]]:
    """The projections into a population, each with the input gains that its weight rows take from it."""
    gains = neurons.per_neuron(lambda neuron: float(neuron.factor))
    for operand, names in zip(node.inputs, wiring.feeds[node.name], strict=True):
        rows = row_factors(chip, node, operand, gains)
        yield from ((name, rows) for name in names)


def _real_weights(chip: Graph, projection: str, rows: Array) -> Array | float:
    """The weights of a projection times the factors of their rows."""
    node = chip.nodes[projection]
    weight = chip.arrays(node).get("weight")
    if weight is None:
        assert isinstance(node.op, (Synapse, Sum))
        return node.op.weight * float(rows)
    if np.all(rows == 1):
        return weight
    return weight * rows.reshape(rows.shape + (1,) * rows.ndim * (weight.ndim - 1))


def _statistics(
    chip: Graph, weights: Mapping[str, Array | float], factors: Mapping[str, Array], arithmetic: Arithmetic
) -> dict[str, WeightStatistics]:
    """The statistics of all projections; what several of them share is looked at once."""
    table: dict[str, WeightStatistics] = {}
    cached: dict[object, WeightStatistics] = {}
    for name, array in weights.items():
        shared = chip.nodes[name].param("weight")
        key = (shared, factors.get(name, np.ones(())).tobytes()) if shared else array
        if key not in cached:
            like = weight_statistics(array, arithmetic)
            cached[key] = like.within(weight_levels(arithmetic)) if in_own_steps(chip.nodes[name]) else like
        table[name] = cached[key]
    return table
