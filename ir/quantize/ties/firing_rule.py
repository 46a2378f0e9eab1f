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

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import ceil, floor, gcd

import numpy as np

from ir.graph import Array
from ir.profile import Arithmetic
from ir.quantize.neurons.normalized import NormalizedMembrane
from ir.quantize.ties.firing_numbers import FiringNumbers
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


def firing_rule(numbers: FiringNumbers, can_be_exact: bool, programmable: bool) -> FiringRule:
    """
    The chip's numbers for a population's thresholds and constant inputs.

    Args:
        can_be_exact: whether no weight and no decay was rounded; otherwise ties are chance, and no effort is made for them.
        programmable: whether neurons may compare as they like.
    """
    comparator = ">=" if numbers.unit.fine and not numbers.strict else ">"
    whole = _whole_rule(numbers, comparator)
    exact = whole or _exact_rule(numbers, can_be_exact, lambda untied: _ways(numbers, untied, programmable))
    return exact or _rounded_rule(numbers, comparator)


def compared_rule(numbers: FiringNumbers, can_be_exact: bool) -> FiringRule:
    """The numbers of neurons that compare as their source does, whatever it is; arguments as for `firing_rule`."""
    comparator = ">" if numbers.strict else ">="
    exact = _exact_rule(numbers, can_be_exact, lambda untied: (_compared(numbers, untied),))
    if exact is None and all(neuron.whole_parts(numbers.steps) for neuron in numbers.neurons.members):
        exact = _whole_rule(numbers, comparator)
    return exact or _rounded_rule(numbers, comparator)


def _whole_rule(numbers: FiringNumbers, comparator: str) -> FiringRule | None:
    """The next whole threshold; None where a membrane is not whole, or the threshold no multiple of what it must be."""
    below = int(comparator == ">")
    whole = {neuron: floor(r) if numbers.strict else ceil(r) - below for neuron, r in numbers.ratios.items()}
    if not numbers.stays_whole or any(vth % numbers.unit.grain for vth in whole.values()):
        return None
    bias = round_bias(numbers.drive * numbers.one, numbers.arithmetic)
    ties = "" if numbers.strict else "threshold"
    return FiringRule(numbers.thresholds(whole), bias, np.zeros(()), comparator, True, ties)


def _exact_rule(
    numbers: FiringNumbers, can_be_exact: bool, ways: Callable[[Array], Iterable[_Way]]
) -> FiringRule | None:
    """The threshold as it is, and the first way by which ties fall as in the source; None where there is none."""
    rounded, untied = numbers.rounded, numbers.drive * numbers.one
    if not can_be_exact or rounded != numbers.ratios or np.any(untied != np.rint(untied)):
        return None
    whole = np.rint(untied).astype(np.int64)
    for way in ways(whole):
        if np.all(_is_exact(numbers, whole, way)):
            bias = QuantizedArray(way.bias.astype(np.int32), 0, 0.0)
            return FiringRule(numbers.thresholds(rounded), bias, way.constant, way.comparator, True, way.ties)
    return None


def _rounded_rule(numbers: FiringNumbers, comparator: str) -> FiringRule:
    """Threshold and bias to the nearest; a tie fires by a unit of v where the chip compares otherwise."""
    tie = comparator == ">" and not numbers.strict
    bias = round_bias(numbers.drive * numbers.one + tie, numbers.arithmetic)
    return FiringRule(numbers.thresholds(numbers.rounded), bias, np.zeros(()), comparator, False, "")


@dataclass(frozen=True)
class _Way:
    """Integers that may make ties fall as in the source; the fields are those of `FiringRule`."""

    bias: Array
    constant: Array
    comparator: str
    ties: str


def _ways(numbers: FiringNumbers, untied: Array, programmable: bool) -> Iterator[_Way]:
    """The ways to compare, the first that is exact to be taken; for a strict source nothing is added to the bias."""
    to, one, tie, none = numbers.arithmetic, numbers.one, int(not numbers.strict), np.zeros((), np.int64)
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
    return _Way(untied - constant * numbers.one, constant, comparator, ties)


def _is_exact(numbers: FiringNumbers, untied: Array, way: _Way) -> Array:
    """Of which neurons the excess of the bias makes all ties fire where they must, and nothing that lies below."""
    excess = way.bias + way.constant * numbers.one - untied
    breaks_ties = not numbers.strict and way.comparator == ">"
    return (excess >= 1 if breaks_ties else excess == 0) & _on_grid(numbers, untied, excess)


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
    one, to = numbers.one, numbers.arithmetic
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
    one, (u0, v0) = numbers.one, numbers.start
    start = v0 * one * numbers.neurons.per_neuron(lambda neuron: float(1 - neuron.decay))
    if np.any(u0) or np.any(start != np.rint(start)):
        return np.zeros(())
    amounts = numbers.neurons.per_neuron(lambda neuron: _amounts(neuron, numbers))
    currents = np.gcd(numbers.quantum * one, np.rint(start).astype(np.int64))
    return np.where(amounts < 0, 0, np.gcd(np.gcd(untied, amounts), currents)).astype(np.float64)


def _amounts(neuron: NormalizedMembrane, numbers: FiringNumbers) -> int:
    """What the threshold and a reset's amount are multiples of, in units of v; -1 where they are no whole numbers of them."""
    amounts = [neuron.threshold, *([neuron.theta] if numbers.resets_take else [])]
    exact = [amount / numbers.unit.size * numbers.one for amount in amounts]
    return gcd(*map(int, exact)) if all(amount.denominator == 1 for amount in exact) else -1
