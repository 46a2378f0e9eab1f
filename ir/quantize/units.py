"""
Chooses the real value of one integer: of every population's weights (its unit), and of every payload (its scale).

All projections into a population share one unit, a real current, such that its threshold is a whole number of units. Where
payloads meet weights, both are rounded, and their product must not wrap the chip's current: the levels that fit are shared
out so that both round with the same relative error.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, lcm, log2, sqrt

import numpy as np

from ir.quantize.calibration import ValueStatistics
from ir.quantize.grid import joint_quantum, quantum_of
from ir.target import Arithmetic

HEADROOM = 2.0
"""Unseen samples may exceed the largest calibrated value by this factor before a current wraps or a payload saturates."""


@dataclass(frozen=True)
class Synapses:
    """
    One projection's weights as the choice of units needs them.

    largest, rms: of the magnitudes. quantum: the grid that they lie on, None for none. scale: real value of one presynaptic
    integer.
    """

    largest: float
    rms: float
    quantum: Fraction | None
    scale: float = 1.0


def synapses_of(weights: object, arithmetic: Arithmetic) -> Synapses:
    """The statistics of a projection's weights (an array, or the one weight that all its synapses share)."""
    array = np.asarray(weights, np.float64)
    levels = weight_levels(arithmetic)
    rms = float(np.sqrt(np.mean(array**2))) if array.size else 0.0
    return Synapses(float(np.abs(array).max(initial=0.0)), rms, quantum_of(array, levels))


def weight_levels(arithmetic: Arithmetic) -> int:
    """The largest weight of either sign."""
    return (1 << (arithmetic.weight_bits - 1)) - 1


@dataclass(frozen=True)
class Needs:
    """
    What a population's integer fields must hold, in real current units.

    current: largest magnitude on the calibration samples. window: how far the membrane outgrows the current. threshold,
    bias: 0 for a neuron without.
    """

    current: float
    window: float
    threshold: float
    bias: float


def finest_unit(needs: Needs, arithmetic: Arithmetic) -> float:
    """The finest unit at which a population's calibrated current, its threshold and its bias fit their fields."""
    room = 1 << (arithmetic.state_bits - 1 - arithmetic.activation_shift)
    largest_bias = ((1 << (arithmetic.bias_mantissa_bits - 1)) - 1) << arithmetic.bias_exponent_max
    return max(
        needs.current * max(HEADROOM, needs.window) / room,
        needs.threshold / ((1 << arithmetic.threshold_bits) - 1),
        needs.bias * (1 << arithmetic.activation_shift) / largest_bias,
    )


@dataclass(frozen=True)
class Firing:
    """
    When a population fires, in real current units.

    threshold: of its neurons. whole: whether whole currents keep the membrane whole, so that it may be rounded up. others:
    further amounts that must be whole units, where neurons differ. halves: whether decay leaves more binary fractions than
    the chip keeps, so that the finest unit loses least.
    """

    threshold: Fraction
    whole: bool
    others: tuple[Fraction, ...] = ()
    halves: bool = False


def choose_unit(
    projections: tuple[Synapses, ...], finest: float, firing: Firing | None, arithmetic: Arithmetic
) -> Fraction:
    """
    The unit of a population: exact for weights on a grid, else fine enough for the largest weight and the threshold.

    Args:
        finest: lower bound of the unit. firing: None for a population without threshold.
    """
    levels = weight_levels(arithmetic)
    largest = max((part.largest * part.scale for part in projections), default=0.0)
    grid = _grid_unit(projections, largest, finest, firing, levels)
    if grid is not None:
        return grid
    coarse = max(largest / levels, finest)
    if firing is None or firing.others or not firing.threshold:
        largest_amount = max((firing.threshold, *firing.others)) if firing else Fraction(0)
        return Fraction(coarse) if coarse else largest_amount or Fraction(1)
    return firing.threshold / max(1, floor(firing.threshold / Fraction(coarse))) if coarse else firing.threshold


def _grid_unit(
    projections: tuple[Synapses, ...], largest: float, finest: float, firing: Firing | None, levels: int
) -> Fraction | None:
    """A unit that holds every weight exactly, and the threshold exactly or to a part in `levels`; None where none does."""
    quanta = [part.quantum * Fraction(part.scale) for part in projections if part.quantum is not None]
    grid = joint_quantum(quanta)
    if len(quanta) < len(projections) or not grid or Fraction(largest) / grid > levels or grid < finest:
        return None
    if firing is None:
        return grid
    ratios = [amount / grid for amount in (firing.threshold, *firing.others)]
    finer = int(min(levels * grid / Fraction(largest), grid / Fraction(finest) if finest else levels))
    parts = lcm(*(ratio.denominator for ratio in ratios))
    if parts <= finer:
        return grid / (parts << ((finer // parts).bit_length() - 1) if firing.halves else parts)
    if firing.whole:
        return grid
    return grid / finer if min(ratios) * finer >= levels else None


def payload_scale(reader: Synapses, seen: ValueStatistics, finest: float, alone: bool, arithmetic: Arithmetic) -> float:
    """
    The real value of one payload integer that suits one reader: fine, while payload times weight keeps to `finest`.

    Args:
        reader: the reading projection. seen: the payload. finest: the finest unit of the reading population.
        alone: whether the reading population has no other presynaptic scale, so that weights on a grid stay exact.
    """
    if not reader.largest:
        return 0.0
    if alone and reader.quantum:
        return finest / float(reader.quantum)
    balanced = sqrt(finest * seen.rms / reader.rms)
    return min(balanced, finest * weight_levels(arithmetic) / reader.largest)


def input_scale(wanted: float, seen: ValueStatistics, bits: int) -> float:
    """The power of two at or above the wanted scale at which the calibrated input fits `bits` bits."""
    least = max(wanted, seen.emitted * HEADROOM / (1 << (bits - 1)))
    return 2.0 ** ceil(log2(least)) if least else 1.0


def payload_bits(largest: float, bits: int) -> int:
    """The bits, sign included, that hold payloads up to `largest` integers; at most `bits`."""
    return min(bits, ceil(log2(max(largest, 1.0) + 1)) + 1)


def payload_shift(wanted: float, unit: float, seen: ValueStatistics, bits: int) -> int:
    """The right shift that brings a payload's unit nearest to the wanted scale and into `bits` bits."""
    nearest = round(log2(wanted / unit)) if wanted else 0
    overflow = ceil(log2(max(seen.emitted * HEADROOM / unit, 1.0) / (1 << (bits - 1))))
    return max(0, nearest, overflow)
