"""
Weights and biases in the chip's number formats: what they are like, the grid that they already lie on, and their rounding.

Networks of counts and dyadic weights lie on a grid; where the unit is one of the grid's, they stay exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, sqrt

import numpy as np

from ir.graph import Array
from ir.profile import Arithmetic

PROBE = 4096
"""Trained weights are found to lie on no grid from their first few, before all of them are looked at."""
LEVELS = 127
"""Of eight bits, to which units and scales are chosen, whatever a mantissa has."""
MANTISSA_BITS = 53
WIDEST_SPREAD_BITS = 40
"""Largest ratio of weights that is followed; any grid of 8-bit weights is far narrower."""
NOTHING = 2.0**-48
"""In parts of a weight: what dividing it by its unit, both float64, may have put beside a whole number."""
BLOCK = 1 << 15
"""Weights that are rounded at a time: few enough for a processor's cache, which is several times faster."""


@dataclass(frozen=True)
class WeightStatistics:
    """One projection's weights as the choice of units needs them."""

    largest: float
    """Of the magnitudes; of the least mantissa, which no positive one equals, as much as the largest mantissa has."""
    rms: float
    """Root mean square."""
    quantum: Fraction | None
    """The grid that they lie on; None for none."""
    rows: Array
    """The largest magnitude of every row of a matrix, or kernel of an output channel; () where one weight serves all."""
    row_quanta: tuple[Fraction, ...] = ()
    """The grid of every row, where each lies on one of its own and all together on none."""

    def scaled(self, scale: float) -> WeightStatistics:
        """The statistics of the currents that presynaptic integers of real value `scale` cause."""
        quantum = None if self.quantum is None else self.quantum * Fraction(scale)
        row_quanta = tuple(each * Fraction(scale) for each in self.row_quanta)
        return WeightStatistics(self.largest * scale, self.rms * scale, quantum, self.rows * scale, row_quanta)

    def within(self, most: float) -> WeightStatistics:
        """The statistics of weights of which all beyond `most` is cut off."""
        return replace(self, largest=min(self.largest, most), rows=np.minimum(self.rows, most))

    def row_by_row(self) -> Iterator[WeightStatistics]:
        """The statistics of every row by itself, where only rows lie on grids; else of all of them."""
        if not self.row_quanta:
            yield self
            return
        for largest, quantum in zip(self.rows.tolist(), self.row_quanta, strict=True):
            yield WeightStatistics(largest, self.rms, quantum, np.asarray(largest))


def weight_statistics(weights: object, arithmetic: Arithmetic) -> WeightStatistics:
    """The statistics of a projection's weights (an array, or the one weight that all its synapses share)."""
    array = np.asarray(weights, np.float64)
    rms = float(np.sqrt(np.mean(array**2))) if array.size else 0.0
    levels = weight_levels(arithmetic)
    quantum = quantum_of(array, levels, levels + 1)
    rows = np.abs(array).reshape(len(array), -1).max(axis=1, initial=0.0) if array.ndim else np.abs(array)
    row_quanta = _row_quanta(array, levels) if array.ndim and quantum is None else ()
    if quantum or row_quanta:
        least = np.asarray(row_quanta if row_quanta else quantum, np.float64) * (levels + 1)
        rows = np.where(rows == least, rows * levels / (levels + 1), rows)
    return WeightStatistics(float(rows.max(initial=0.0)), rms, quantum, rows, row_quanta)


def weight_levels(arithmetic: Arithmetic) -> int:
    """The largest weight of either sign; there is one more below zero."""
    return (1 << (arithmetic.weight_bits - 1)) - 1


def shifted_levels(arithmetic: Arithmetic) -> int:
    """The largest weight with an exponent that makes up for mantissas of fewer bits than eight, as far as it can."""
    levels = weight_levels(arithmetic)
    return max(levels, min(levels << arithmetic.weight_exponent_max, LEVELS))


def quantum_of(weights: Array, levels: int, below: int | None = None) -> Fraction | None:
    """
    The largest q of which every weight is an integer multiple, or None where that takes more than `levels` levels.

    Args:
        below: levels of negative weights; by default as many.

    >>> quantum_of(np.array([0.125, -0.375]), 127)
    Fraction(1, 8)
    >>> quantum_of(np.array([0.1, 0.2000001]), 127) is None
    True
    """
    flat, below = np.asarray(weights, np.float64).ravel(), levels if below is None else below
    if flat.size > PROBE and _quantum(flat[:PROBE], levels, below) is None:
        return None
    return _quantum(flat, levels, below)


def _row_quanta(weights: Array, levels: int) -> tuple[Fraction, ...]:
    """The quantum of every row; none where a row has none, as rows of trained weights have."""
    quanta = list[Fraction]()
    for row in weights.reshape(len(weights), -1):
        quantum = _quantum(row, levels, levels + 1)
        if quantum is None:
            return ()
        quanta.append(quantum)
    return tuple(quanta)


def joint_quantum(quanta: Iterable[Fraction]) -> Fraction:
    """
    The largest q of which every given one is an integer multiple.

    >>> joint_quantum([Fraction(3, 4), Fraction(1, 2)])
    Fraction(1, 4)
    """
    joint = Fraction(0)
    for q in quanta:
        over = gcd(joint.numerator * q.denominator, q.numerator * joint.denominator)
        joint = Fraction(over, joint.denominator * q.denominator)
    return joint


def _quantum(weights: Array, levels: int, below: int) -> Fraction | None:
    """The quantum of all weights; every float is an integer times a power of two."""
    used = weights[weights != 0]
    magnitudes, negative = np.abs(used), used < 0
    if magnitudes.size == 0:
        return Fraction(0)
    mantissas, exponents = np.frexp(magnitudes)
    digits = np.ldexp(mantissas, MANTISSA_BITS).astype(np.int64)
    lowest = np.frexp((digits & -digits).astype(np.float64))[1] - 1  # place of the lowest bit that is set
    finest = int((exponents - MANTISSA_BITS + lowest).min())
    if int(exponents.max()) - finest > WIDEST_SPREAD_BITS:
        return None
    integers = np.ldexp(magnitudes, -finest).astype(np.int64)
    divisor = int(np.gcd.reduce(integers))
    most, least = (int(integers[signed].max(initial=0)) // divisor for signed in (~negative, negative))
    return Fraction(divisor) * Fraction(2) ** finest if most <= levels and least <= below else None


@dataclass(frozen=True)
class QuantizedArray:
    """Integers for floats, and what rounding did."""

    integers: Array
    saturated: int
    """How many hit the end of their range."""
    error: float
    """Relative root mean square error."""
    mantissa: int = 0
    """The largest magnitude of a mantissa, of weights that have exponents; 0 where nobody asks."""


def round_weights(weights: Array | float, unit: float, bits: int, exponents: Array) -> QuantizedArray:
    """
    Weights as multiples of `unit`: signed mantissas of `bits` bits, shifted left.

    Odd values are allowed: a chip that keeps even weights in mixed matrices stores 2w with exponent -1.

    Args:
        exponents: the shift of every row of weights, or () for one of all.
    """
    top = 1 << (bits - 1)
    flat = np.ravel(weights)
    integers = np.empty(flat.size, _smallest(bits + int(exponents.max(initial=0))))
    units = (unit * np.exp2(exponents)).astype(np.float64)
    per_row = flat.size // max(1, units.size)
    saturated, power, lost, largest = 0, 0.0, 0.0, 0
    for start in range(0, flat.size, BLOCK):
        block = slice(start, start + BLOCK)
        size = units if not units.ndim else units[np.arange(start, min(start + BLOCK, flat.size)) // per_row]
        ideal = flat[block].astype(np.float64) / size
        nearest = np.rint(ideal)
        clipped = np.clip(nearest, -top, top - 1)
        integers[block] = clipped * (size / unit)
        saturated += int(np.count_nonzero(nearest != clipped))
        largest = max(largest, int(np.abs(clipped).max(initial=0)))
        power += float(np.sum((ideal * size) ** 2))
        off = np.where(np.abs(nearest - ideal) <= NOTHING * np.abs(ideal), clipped - nearest, clipped - ideal)
        lost += float(np.sum((off * size) ** 2))
    error = sqrt(lost / power) if power else 0.0
    return QuantizedArray(integers.reshape(np.shape(weights)), saturated, error, largest)


def common_quantum(weights: Iterable[QuantizedArray]) -> int:
    """The largest whole number of which all integers are multiples, 1 where all are zero; 0 where one of them was rounded."""
    weights = list(weights)
    if any(part.error or part.saturated for part in weights):
        return 0
    divisors = [int(np.gcd.reduce(part.integers.astype(np.int32), axis=None)) for part in weights]  # int8 has no 128
    return gcd(*divisors) or 1


def round_bias(bias: Array, arithmetic: Arithmetic) -> QuantizedArray:
    """Biases in units of v, each a signed mantissa shifted left by its own exponent."""
    top = (1 << (arithmetic.bias_mantissa_bits - 1)) - 1
    ideal = np.asarray(bias, np.float64)
    exponent = np.ceil(np.log2(np.maximum(np.abs(np.rint(ideal)) / top, 1.0)))
    step = np.exp2(np.clip(exponent, arithmetic.bias_exponent_min, arithmetic.bias_exponent_max))
    integers = np.clip(np.rint(ideal / step), -top, top) * step
    saturated = int(np.count_nonzero(np.abs(ideal) > top * step + step / 2))
    return QuantizedArray(integers.astype(np.int32), saturated, relative_error(integers, ideal))


def relative_error(integers: Array, ideal: Array) -> float:
    """The root mean square of what rounding changed, relative to that of the ideal numbers."""
    power = float(np.sum(ideal**2))
    return float(np.sqrt(np.sum((integers - ideal) ** 2) / power)) if power else 0.0


def _smallest(bits: int) -> type[np.int8 | np.int16 | np.int32]:
    return np.int8 if bits <= 8 else np.int16 if bits <= 16 else np.int32
