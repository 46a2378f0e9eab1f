"""Finds the integer grid that weights already lie on, so that networks of counts and dyadic weights stay exact."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import gcd

import numpy as np

from ir.graph import Array

PROBE = 4096
"""Trained weights are found to lie on no grid from their first few, before all of them are looked at."""
MANTISSA_BITS = 53
WIDEST_SPREAD_BITS = 40
"""Largest ratio of weights that is followed; any grid of 8-bit weights is far narrower."""


def quantum_of(weights: Array, levels: int) -> Fraction | None:
    """
    The largest q of which every weight is an integer multiple, or None where that takes more than `levels` levels.

    >>> quantum_of(np.array([0.125, -0.375]), 127)
    Fraction(1, 8)
    >>> quantum_of(np.array([0.1, 0.2000001]), 127) is None
    True
    """
    flat = np.asarray(weights, np.float64).ravel()
    if flat.size > PROBE and _quantum(flat[:PROBE], levels) is None:
        return None
    return _quantum(flat, levels)


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


def _quantum(weights: Array, levels: int) -> Fraction | None:
    """The quantum of all weights; every float is an integer times a power of two."""
    magnitudes = np.abs(weights[weights != 0])
    if magnitudes.size == 0:
        return Fraction(0)
    mantissas, exponents = np.frexp(magnitudes)
    digits = np.ldexp(mantissas, MANTISSA_BITS).astype(np.int64)
    lowest = np.frexp((digits & -digits).astype(np.float64))[1] - 1
    finest = int((exponents - MANTISSA_BITS + lowest).min())
    if int(exponents.max()) - finest > WIDEST_SPREAD_BITS:
        return None
    integers = np.ldexp(magnitudes, -finest).astype(np.int64)
    divisor = int(np.gcd.reduce(integers))
    return Fraction(divisor) * Fraction(2) ** finest if int(integers.max()) // divisor <= levels else None
