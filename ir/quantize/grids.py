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
from ir.profile import Arithmetic
from ir.quantize.calibrated import CalibratedNetwork
from ir.quantize.network import plan_network
from ir.quantize.payloads import is_difference
from ir.quantize.plan import NetworkPlan
from ir.quantize.rounding.together import FEWER, current_power, mantissas_of_steps
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

    Of matrices and kernels, without those that take input gains.
    """
    plan = plan_network(network)
    return {
        weight: _grid(network, plan, population, projection)
        for population in network.chip.nodes.values()
        for weight, projection in _rounded(network, plan, population)
    }


def _rounded(network: CalibratedNetwork, plan: NetworkPlan, population: Node) -> Iterator[tuple[str, Node]]:
    """The weights of a population that have grids, each with a projection by which they are read."""
    if population.op.family != "neuron" or is_difference(population):
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
    finest = max(network.finest_unit(network.chip.nodes[name]) for name in network.wiring.targets[projection.name])
    largest = like.rows if network.rows_apart(population) else np.asarray(like.largest)
    unit, exponents = _finer(unit, finest / scale, largest, network.arithmetic)
    products = network.products.get(projection.param("weight") or "", np.eye(len(matrix)))
    rounded, steps = _least_off(matrix, unit, levels, exponents, products)
    each = steps.reshape(-1, *(1,) * (weights.ndim - 1))
    lost, power = (float(current_power(columns, products).sum()) for columns in (rounded - matrix, matrix))
    used = steps[rounded.any(axis=0)]  # rows of zeros keep no unit as fine as theirs
    bias_step = float(min(used, default=steps.min())) / (1 << _bias_digits(network, population))
    return WeightGrid(
        steps=each,
        levels=levels,
        weights=weights.astype(np.float64),
        rounded=rounded.T.reshape(weights.shape),
        bias_step=bias_step,
        noise=lost / power if power else 0.0,
    )


def _finer(unit: float, finest: float, largest: Array, arithmetic: Arithmetic) -> tuple[float, Array]:
    """A unit with room below the steps that the largest weights need, as far as fields and exponents allow; the exponents."""
    for fewer in range(FEWER, -1, -1):
        size = unit / 2.0**fewer
        exponents = weight_exponents(largest, size, arithmetic)
        fits = np.all(np.rint(largest / (size * np.exp2(exponents))) <= weight_levels(arithmetic))
        if fits and (size >= finest or not fewer):
            return size, exponents
    coarser = 2 * unit  # what was chosen lies between the two, and needs all exponents
    return coarser, weight_exponents(largest, coarser, arithmetic)


def _least_off(matrix: Array, unit: float, levels: int, exponents: Array, products: Array) -> tuple[Array, Array]:
    """(I, O) weights rounded together, and their steps (O,), of those steps at which the current of a column is least off."""
    own, times = np.ones(matrix.shape[1]), FEWER + 1
    tried = np.array([unit * np.exp2(np.maximum(exponents - fewer, 0)) * own for fewer in range(times)])
    ideal, steps = np.tile(matrix, times), tried.ravel()
    rounded = mantissas_of_steps(ideal, steps, (-levels, levels), products) * steps
    costs = current_power(rounded - ideal, products).reshape(tried.shape)
    costs = costs if exponents.ndim else costs.sum(axis=1, keepdims=True) * own
    best, columns = costs.argmin(axis=0), np.arange(len(own))
    return rounded[:, best * len(own) + columns], tried[best, columns]


def _bias_digits(network: CalibratedNetwork, population: Node) -> int:
    """Binary digits that biases may have behind a step of the weights: those of the shift that decays leave in a window."""
    if population.name in network.compared:  # its bias is that of the neurons that read the maximum
        readers = {target for _, target in network.wiring.populations_reading(population.name)} - network.compared
        return min((_bias_digits(network, network.chip.nodes[each]) for each in readers), default=0)
    neurons, steps = network.neurons.get(population.name), network.chip.steps
    if neurons is None:
        return 0  # a payload is a whole current
    kept = {1 - decay for neuron in neurons.members for decay in (neuron.decay, neuron.current_decay)}
    lost = max(decay.denominator for decay in kept).bit_length() - 1
    tie = 0 if network.programmable else 1  # ties take a unit of their own where neurons compare in one way only
    return max(0, network.arithmetic.activation_shift - lost * max(0, steps - 1) - tie)
