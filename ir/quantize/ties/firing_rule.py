"""
Lets ties fall as in the source: what makes the chip's `v > vth` the source's `v >= threshold`.

In units of v a weight unit is 2^shift. Currents, thresholds and biases are multiples of some G_1 of them; a membrane that loses h
binary digits per step lies on the finer grid G_t = G_1 2^(-h (t - 1)) at step t of a window. The first of these that is proven
exact for all neurons of a population is taken:

threshold    v stays on whole weight units (memoryless or lossless neurons, T = 1, or G_T is a weight unit): it fires at the next
             above the threshold, so vth is one lower than that.
bias         every neuron's bias is the smallest above the untied one that the format can hold. The excess e, at most
             E_t = ceil(E_(t-1) 2^-h) + e after t steps, makes every tie fire, and nothing else while E_T <= G_T.
synapses     what does not fit the bias's mantissa beside the +1 comes over synapses from a neuron that fires at every step.
comparator   v >= vth itself, where neurons are programmable: exact as long as G_T is a unit of v. It comes before many synapses.

Where none is (rounded weights, decays that are no power of two, more halvings than the shift holds) ties have no meaning in the
integers; the bias gets the nearest to one unit of v more, and the report says that the population is not exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, gcd

import numpy as np

from ir.graph import Array
from ir.profile import Arithmetic
from ir.quantize.neurons.distinct import DistinctNeurons
from ir.quantize.neurons.normalized import NormalizedMembrane
from ir.quantize.units.choose_unit import Unit
from ir.quantize.weights import QuantizedArray, round_bias, weight_levels

LONGEST = 64
"""More steps than any window in which halvings leave fractions that a membrane can hold."""
MANY = 4
"""Synapses per neuron that a constant may take before neurons that compare as they like are the cheaper way."""


@dataclass(frozen=True)
class FiringRule:
    """When the neurons of a population fire, in the chip's numbers."""

    vth: Array
    """In weight units."""
    bias: QuantizedArray
    """In units of v."""
    constant: Array
    """What comes at every step over synapses instead, in weight units; zeros where nothing does."""
    comparator: str
    """`>` for the built-in neuron, `>=`."""
    exact: bool
    """Whether ties fall as in the source, and no bias or threshold was rounded."""
    ties: str
    """Which of the ways above it is; empty for a source that is strict itself, and where none is exact."""


@dataclass(frozen=True)
class FiringNumbers:
    """What the neurons of a population compare, in real numbers of weight units."""

    neurons: DistinctNeurons
    unit: Unit
    drive: Array
    """The constant input of v."""
    start: tuple[Array, Array]
    """Of u and v."""
    resets_take: bool
    """Whether resets take the thresholds' amount from v."""
    steps: int
    """Window length, 0 for streaming."""
    arithmetic: Arithmetic
    quantum: int = 1
    """The weight units of which every current is a multiple."""

    @property
    def ratios(self) -> dict[NormalizedMembrane, Fraction]:
        """The threshold of every distinct neuron."""
        return {neuron: neuron.threshold / self.unit.size for neuron in self.neurons.members}

    @property
    def strict(self) -> bool:
        """Whether the source fires above its threshold only."""
        return self.neurons.members[0].strict

    def thresholds(self, rounded: dict[NormalizedMembrane, int]) -> Array:
        """Integer thresholds, neuron by neuron."""
        return self.neurons.per_neuron(lambda neuron: rounded[neuron])


def firing_rule(numbers: FiringNumbers, can_be_exact: bool, programmable: bool) -> FiringRule:
    """
    The chip's numbers for a population's thresholds and constant inputs.

    Args:
        can_be_exact: whether no weight and no decay was rounded; otherwise ties are chance, and no effort is made for them.
        programmable: whether neurons may compare as they like.
    """
    whole = {neuron: floor(r) if numbers.strict else ceil(r) - 1 for neuron, r in numbers.ratios.items()}
    grain = 1 << numbers.unit.narrowed
    if _stays_whole(numbers) and all(vth % grain == 0 for vth in whole.values()):
        bias = round_bias(numbers.drive * _one(numbers), numbers.arithmetic)
        ties = "" if numbers.strict else "threshold"
        return FiringRule(numbers.thresholds(whole), bias, np.zeros(()), ">", True, ties)
    rounded = {neuron: round(r / grain) * grain for neuron, r in numbers.ratios.items()}
    vth, untied = numbers.thresholds(rounded), numbers.drive * _one(numbers)
    if can_be_exact and rounded == numbers.ratios and np.all(untied == np.rint(untied)):
        for way in _ways(numbers, np.rint(untied).astype(np.int64), programmable):
            if np.all(_is_exact(numbers, np.rint(untied).astype(np.int64), way)):
                bias = QuantizedArray(way.bias.astype(np.int32), 0, 0.0)
                return FiringRule(vth, bias, way.constant, way.comparator, True, way.ties)
    rounded_bias = round_bias(untied + (not numbers.strict), numbers.arithmetic)
    return FiringRule(vth, rounded_bias, np.zeros(()), ">", False, "")


def compared_rule(numbers: FiringNumbers, can_be_exact: bool) -> FiringRule:
    """The numbers of neurons that compare as their source does, whatever it is; arguments as for `firing_rule`."""
    grain = 1 << numbers.unit.narrowed
    rounded = {neuron: round(r / grain) * grain for neuron, r in numbers.ratios.items()}
    vth, untied = numbers.thresholds(rounded), numbers.drive * _one(numbers)
    if can_be_exact and rounded == numbers.ratios and np.all(untied == np.rint(untied)):
        way = _compared(numbers, np.rint(untied).astype(np.int64))
        if np.all(_is_exact(numbers, np.rint(untied).astype(np.int64), way)):
            return FiringRule(
                vth, QuantizedArray(way.bias.astype(np.int32), 0, 0.0), way.constant, way.comparator, True, way.ties
            )
    comparator, bias = ">" if numbers.strict else ">=", round_bias(untied, numbers.arithmetic)
    if _stays_whole(numbers) and all(neuron.whole_parts(numbers.steps) for neuron in numbers.neurons.members):
        whole = {neuron: floor(r) if numbers.strict else ceil(r) for neuron, r in numbers.ratios.items()}
        if all(vth % grain == 0 for vth in whole.values()):
            return FiringRule(
                numbers.thresholds(whole), bias, np.zeros(()), comparator, True, "" if numbers.strict else "threshold"
            )
    return FiringRule(vth, bias, np.zeros(()), comparator, False, "")


@dataclass(frozen=True)
class _Way:
    """Integers that may make ties fall as in the source; the fields are those of `FiringRule`."""

    bias: Array
    constant: Array
    comparator: str
    ties: str


def _ways(numbers: FiringNumbers, untied: Array, programmable: bool) -> Iterator[_Way]:
    """The ways to compare, the first that is exact to be taken; for a strict source nothing is added to the bias."""
    to, one, tie, none = numbers.arithmetic, _one(numbers), int(not numbers.strict), np.zeros((), np.int64)
    above = _Way(smallest_bias_from(untied + tie, to), none, ">", "bias" if tie else "")
    yield above
    constant = np.where(_is_exact(numbers, untied, above), 0, _beyond_mantissa(numbers, untied, tie))
    synapses = _Way(smallest_bias_from(untied + tie - constant * one, to), constant, ">", "synapses")
    compared = [_compared(numbers, untied)] if programmable and tie else []
    if np.abs(constant).max(initial=0) > MANY * weight_levels(to):
        yield from (*compared, synapses)
    else:
        yield from (synapses, *compared)


def _compared(numbers: FiringNumbers, untied: Array) -> _Way:
    """The source's own comparison, and the bias as it is."""
    fits = smallest_bias_from(untied, numbers.arithmetic) == untied
    constant = np.where(fits, 0, _beyond_mantissa(numbers, untied, 0))
    comparator, ties = (">", "") if numbers.strict else (">=", "comparator")
    return _Way(untied - constant * _one(numbers), constant, comparator, ties)


def _is_exact(numbers: FiringNumbers, untied: Array, way: _Way) -> Array:
    """Of which neurons the excess of the bias makes all ties fire where they must, and nothing that lies below."""
    excess = way.bias + way.constant * _one(numbers) - untied
    breaks_ties = not numbers.strict and way.comparator == ">"
    return (excess >= 1 if breaks_ties else excess == 0) & _on_grid(numbers, untied, excess)


def _one(numbers: FiringNumbers) -> int:
    """A weight unit in units of v."""
    return 1 << (numbers.arithmetic.activation_shift - numbers.unit.narrowed)


def _stays_whole(numbers: FiringNumbers) -> bool:
    """Whether every membrane is a whole number of weight units at every step."""
    u0, v0 = numbers.start
    at_rest = not np.any(u0) and not np.any(v0)
    spent = numbers.resets_take and any(
        (each.theta / numbers.unit.size).denominator != 1 for each in numbers.neurons.members
    )
    lossless = (numbers.steps == 1 and at_rest) or all(each.is_whole for each in numbers.neurons.members)
    whole = all(bool(np.all(part == np.rint(part))) for part in (numbers.drive, u0, v0))
    return whole and not spent and (lossless or (at_rest and _halves_to_whole(numbers)))


def _halves_to_whole(numbers: FiringNumbers) -> bool:
    """Whether currents and drive are so many weight units that halvings leave none but whole ones until the window ends."""
    parts = {neuron.whole_parts(numbers.steps) for neuron in numbers.neurons.members}
    if numbers.resets_take or not min(parts) or not numbers.quantum:
        return False
    return numbers.quantum % max(parts) == 0 and not np.any(numbers.drive % max(parts))


def smallest_bias_from(least: Array, arithmetic: Arithmetic) -> Array:
    """
    The smallest bias at or above `least` that is a mantissa shifted left; beyond the largest one, the largest.

    >>> from hw_profiles import load
    >>> smallest_bias_from(np.array([4095, 4096, 4097, -4097]), load("loihi1").arithmetic).tolist()
    [4095, 4096, 4098, -4096]
    """
    top = (1 << (arithmetic.bias_mantissa_bits - 1)) - 1
    found = np.full(np.shape(least), top << arithmetic.bias_exponent_max)
    for exponent in reversed(range(arithmetic.bias_exponent_min, arithmetic.bias_exponent_max + 1)):
        mantissa = -(-least >> exponent)  # toward plus infinity
        found = np.where(np.abs(mantissa) <= top, mantissa << exponent, found)
    return found


def _beyond_mantissa(numbers: FiringNumbers, untied: Array, tie: int) -> Array:
    """The least whole number of weight units without which bias and tie fit the mantissa, so that the least exponent does."""
    one, to = _one(numbers), numbers.arithmetic
    top = ((1 << (to.bias_mantissa_bits - 1)) - 1) << to.bias_exponent_min
    least = untied + tie
    return -(-np.maximum(least - top, 0) // one) + np.minimum(least + top, 0) // one


def _on_grid(numbers: FiringNumbers, untied: Array, excess: Array) -> Array:
    """Whether the membranes keep to a grid of units of v for the whole window that is no finer than what the excess becomes."""
    per_neuron = numbers.neurons.per_neuron
    digits = per_neuron(lambda neuron: neuron.digits_lost)
    grid, reach = _first_grid(numbers, untied), np.maximum(excess, 0)
    exact = digits >= 0
    steps = numbers.steps or LONGEST
    lossless = np.asarray(digits == 0)
    memoryless = per_neuron(lambda neuron: neuron.decay == 1)
    largest = np.where(lossless & ~memoryless, reach * steps, reach)
    for _ in range(min(steps, LONGEST) - 1):
        largest = np.where(lossless, largest, -(-largest >> np.maximum(digits, 0)) + reach)
        grid = np.where(lossless, grid, grid / (1 << np.maximum(digits, 0)))
    endless = np.logical_not(numbers.steps) & ~memoryless & (reach > 0)
    known = (reach == 0) | per_neuron(_halves)
    return exact & known & (grid >= 1) & (largest <= grid) & ~endless


def _halves(neuron: NormalizedMembrane) -> bool:
    """Whether the membrane loses its digits alone, and by nothing but halvings: then it is known what becomes of an excess."""
    return neuron.current_decay in (0, 1) and (1 - neuron.decay).numerator in (0, 1)


def _first_grid(numbers: FiringNumbers, untied: Array) -> Array:
    """The grid of the membrane at the first step, in units of v: 0 where it lies on none."""
    one, (u0, v0) = _one(numbers), numbers.start
    start = v0 * one * numbers.neurons.per_neuron(lambda neuron: float(1 - neuron.decay))
    if np.any(u0) or np.any(start != np.rint(start)):
        return np.zeros(())
    amounts = numbers.neurons.per_neuron(lambda neuron: _amounts(neuron, numbers))
    currents = np.gcd(numbers.quantum * one, np.rint(start).astype(np.int64))
    return np.where(amounts < 0, 0, np.gcd(np.gcd(untied, amounts), currents)).astype(np.float64)


def _amounts(neuron: NormalizedMembrane, numbers: FiringNumbers) -> int:
    """What the threshold and a reset's amount are multiples of, in units of v; -1 where they are no whole numbers of them."""
    amounts = [neuron.threshold, *([neuron.theta] if numbers.resets_take else [])]
    exact = [amount / numbers.unit.size * _one(numbers) for amount in amounts]
    return gcd(*map(int, exact)) if all(amount.denominator == 1 for amount in exact) else -1
