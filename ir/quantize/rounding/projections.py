"""The integers of the projections into one population, which share its unit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from ir.analysis.ranges import projected_magnitude
from ir.graph import Array, Node
from ir.ops.linear import Sum, Synapse
from ir.quantize.calibrated import CalibratedNetwork
from ir.quantize.gains.trained_levels import in_own_steps
from ir.quantize.plan import ProjectionPlan
from ir.quantize.rounding.together import FEWER, round_together
from ir.quantize.units.choose_unit import Unit, weight_exponents
from ir.quantize.weights import QuantizedArray, round_weights


@dataclass(frozen=True)
class ProjectionRounder:
    """Rounds what feeds a population; weights that several of its projections share, once."""

    network: CalibratedNetwork
    population: Node
    known: dict[tuple[int, float], QuantizedArray] = field(default_factory=dict[tuple[int, float], QuantizedArray])
    """(identity of real weights, their unit) -> their integers so far."""

    def plan(self, projection: str, unit: Unit, scale: float) -> ProjectionPlan:
        """
        A projection whose weights are multiples of the unit.

        Args:
            scale: real value of one integer that it reads.
        """
        node = self.network.chip.nodes[projection]
        weights, arg = self._weights(node, float(unit.size / Fraction(scale))), self.network.chip.args(node)[0]
        matrix = weights.integers
        if isinstance(node.op, (Synapse, Sum)):
            node, matrix = replace(node, op=replace(node.op, weight=int(weights.integers))), None
        return ProjectionPlan(unit, weights, projected_magnitude(node, arg, matrix, 1))

    def _weights(self, node: Node, unit: float) -> QuantizedArray:
        real = self.network.weights[node.name]
        key = (id(real), unit)
        if key not in self.known:
            self.known[key] = self._rounded(node, real, unit)
        return self.known[key]

    def _rounded(self, node: Node, real: Array | float, unit: float) -> QuantizedArray:
        """Every weight to the nearest; where that is not exact, all together, unless a proof counts on half a unit."""
        arithmetic, like = self.network.arithmetic, self.network.weight_statistics[node.name]
        largest = like.rows if self.network.rows_apart(self.population) else np.asarray(like.largest)
        exponents = weight_exponents(largest, unit, arithmetic)
        nearest = round_weights(real, unit, arithmetic.weight_bits, exponents)
        products = self.network.products.get(node.param("weight") or "")
        if not nearest.error or products is None or self.population.name in self.network.compared:
            return nearest
        fewer = 0 if in_own_steps(node) else FEWER  # what is cut off there is cut off by its steps
        return round_together(np.asarray(real), unit, arithmetic.weight_bits, exponents, products, fewer)
