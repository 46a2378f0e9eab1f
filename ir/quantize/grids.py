"""
The grids on which weights lie if nothing is to be rounded any more: what a network is trained on that has few bits.

Every row (where neurons are programmable; else every projection) takes multiples of a power of two of its own, as many either way
as the bits allow. Powers of two are floats exactly, and so are sums of them; `ir.quantize.units` finds such a grid again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import floor, log2

import numpy as np

from ir.graph import Array, Node
from ir.ops.linear import Conv, Linear
from ir.quantize.calibrated import CalibratedNetwork
from ir.quantize.network import plan_network
from ir.quantize.plan import NetworkPlan
from ir.quantize.rounding.together import current_power, mantissas_together
from ir.quantize.units.choose_unit import weight_exponents
from ir.quantize.weights import weight_levels


@dataclass(frozen=True)
class WeightGrid:
    """The grid of a matrix or of kernels."""

    steps: Array
    """(rows, 1, ...): the power of two of which the weights of a row are multiples."""
    levels: int
    """The largest multiple of either sign."""
    weights: Array
    """As they are."""
    rounded: Array
    """The same, rounded to it together."""
    bias_step: float
    """The power of two of which biases beside them are multiples, as far as a bias has bits."""
    noise: float
    """Mean square of what rounding changes in a current on the calibration samples, in parts of the current's own."""


def weight_grids(network: CalibratedNetwork) -> dict[str, WeightGrid]:
    """
    Parameter of the chip graph -> its grid.

    Of matrices and kernels; without those that take input gains, or that feed payloads which are compared.
    """
    plan = plan_network(network)
    return {
        weight: _grid(network, plan, population, projection)
        for population in network.chip.nodes.values()
        for weight, projection in _rounded(network, plan, population)
    }


def _rounded(network: CalibratedNetwork, plan: NetworkPlan, population: Node) -> Iterator[tuple[str, Node]]:
    """The weights of a population that have grids, each with a projection by which they are read."""
    if population.op.family != "neuron" or population.name in network.compared:
        return
    for name in network.wiring.payload_projections(population):
        node = network.chip.nodes[name]
        weight = node.param("weight")
        if weight is None or not isinstance(node.op, Linear | Conv):
            continue
        if network.weights[name] is network.chip.params[weight]:
            yield weight, node


def _grid(network: CalibratedNetwork, plan: NetworkPlan, population: Node, projection: Node) -> WeightGrid:
    """The grid nearest to what is chosen for the weights as they are."""
    weights, like = np.asarray(network.weights[projection.name]), network.weight_statistics[projection.name]
    matrix, levels = weights.reshape(len(weights), -1).T.astype(np.float64), weight_levels(network.arithmetic)
    (scale,) = {plan.emissions[source].scale for source in network.wiring.sources[projection.name]}
    unit = 2.0 ** floor(log2(plan.projections[projection.name].unit.size / Fraction(scale)))
    largest = like.rows if network.rows_apart(population) else np.asarray(like.largest)
    exponents = weight_exponents(largest, unit, network.arithmetic)
    saturated = np.any(np.rint(largest / (unit * np.exp2(exponents))) > levels)
    if saturated:  # the unit that was chosen lay above, and needed all exponents that there are
        unit *= 2
    products = network.products.get(projection.param("weight") or "", np.eye(len(matrix)))
    mantissas, steps = mantissas_together(matrix, unit, (-levels, levels), exponents, products)
    each = steps.reshape(-1, *(1,) * (weights.ndim - 1))
    rounded = mantissas * steps
    lost, power = (float(current_power(columns, products).sum()) for columns in (rounded - matrix, matrix))
    bias_step = float(steps.min()) / (1 << _bias_digits(network, population))
    return WeightGrid(
        steps=each,
        levels=levels,
        weights=weights.astype(np.float64),
        rounded=rounded.T.reshape(weights.shape),
        bias_step=bias_step,
        noise=lost / power if power else 0.0,
    )


def _bias_digits(network: CalibratedNetwork, population: Node) -> int:
    """Binary digits that biases may have behind a step of the weights: those of the shift that decays leave in a window."""
    neurons, steps = network.neurons.get(population.name), network.chip.steps
    if neurons is None:
        return 0  # a payload is a whole current
    kept = {1 - decay for neuron in neurons.members for decay in (neuron.decay, neuron.current_decay)}
    lost = max(decay.denominator for decay in kept).bit_length() - 1
    tie = 0 if network.programmable else 1  # ties take a unit of their own where neurons compare in one way only
    return max(0, network.arithmetic.activation_shift - lost * max(0, steps - 1) - tie)
