"""Rounds weights and biases to the chip's number formats, and says what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from ir.graph import Array
from ir.target import Arithmetic

BLOCK = 1 << 15
"""Weights that are rounded at a time: few enough for a processor's cache, which is several times faster."""


@dataclass(frozen=True)
class QuantizedArray:
    """Integers, how many of them hit the end of their range, and the relative root mean square error."""

    integers: Array
    saturated: int
    error: float


def round_weights(weights: Array | float, unit: float, bits: int) -> QuantizedArray:
    """
    Weights as multiples of `unit`, within signed `bits` bits.

    Odd values are allowed: a chip that keeps even weights in mixed matrices stores 2w with exponent -1.
    """
    top = 1 << (bits - 1)
    flat = np.ravel(weights)
    integers = np.empty(flat.size, _smallest(bits))
    saturated, power, lost = 0, 0.0, 0.0
    for start in range(0, flat.size, BLOCK):
        block = slice(start, start + BLOCK)
        ideal = flat[block].astype(np.float64) / unit
        nearest = np.rint(ideal)
        kept = integers[block] = np.clip(nearest, -top, top - 1)
        saturated += int(np.count_nonzero(nearest != kept))
        power += float(np.sum(ideal**2))
        lost += float(np.sum((kept - ideal) ** 2))
    return QuantizedArray(integers.reshape(np.shape(weights)), saturated, sqrt(lost / power) if power else 0.0)


def round_bias(bias: Array, arithmetic: Arithmetic) -> QuantizedArray:
    """Biases in units of v, each a signed mantissa shifted left by its own exponent."""
    top = (1 << (arithmetic.bias_mantissa_bits - 1)) - 1
    ideal = np.asarray(bias, np.float64)
    exponent = np.ceil(np.log2(np.maximum(np.abs(np.rint(ideal)) / top, 1.0)))
    step = np.exp2(np.minimum(exponent, arithmetic.bias_exponent_max))
    mantissa = np.clip(np.rint(ideal / step), -top, top)
    integers = mantissa * step
    saturated = int(np.count_nonzero(np.abs(ideal) > top * step + step / 2))
    power = float(np.sum(ideal**2))
    error = float(np.sqrt(np.sum((integers - ideal) ** 2) / power)) if power else 0.0
    return QuantizedArray(integers.astype(np.int32), saturated, error)


def _smallest(bits: int) -> type:
    return np.int8 if bits <= 8 else np.int16 if bits <= 16 else np.int32
