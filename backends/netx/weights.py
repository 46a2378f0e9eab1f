"""
Weights that Loihi's synapses hold, and that netx leaves as they are.

netx shifts the weights of a dense layer left as far as they go, and Lava's synapses shift their sums back. Lava then looks at a
matrix by itself, and where it has no positive weight, clips magnitudes to 255: those that the shift brought to 256 are lost.
"""

from __future__ import annotations

from math import floor, inf, log2

import numpy as np

from backends.netx.neurons import PROFILE_HINT
from ir.errors import CompileError
from ir.graph import Array

WEIGHT_BITS = 8
"""Of Loihi's synapses, sign included; weights of both signs beyond them are even, and have a ninth."""
MOST_OF_ONE_SIGN = 255


def check_weights(name: str, weights: Array) -> None:
    """
    Require weights of 8 bits; those of both signs that have 9 are even.

    Raises:
        CompileError: with the range that there is.
    """
    low, high = _range(weights)
    half = 1 << (WEIGHT_BITS - 1)
    one_sign = max(-low, high) <= MOST_OF_ONE_SIGN and (low >= 0 or high < 0)
    even = -2 * half <= low and high < 2 * half and not (weights & 1).any()
    if not (low or high):
        raise CompileError("netx.weight", f"%{name}: all weights are 0, which netx cannot load", hint="leave it out")
    if not (-half <= low and high < half) and not even and not one_sign:
        what = (
            f"%{name}: weights of {low}..{high}, a file's are whole -128..127, even -256..254, or of one sign up to 255"
        )
        raise CompileError("netx.weight", what, hint=PROFILE_HINT)


def check_matrices(name: str, *matrices: Array) -> None:
    """
    Require of the matrices of one dense layer what netx keeps when it shifts them together.

    Raises:
        CompileError: weights that are too large, or a matrix that Lava would clip.
    """
    both = np.hstack(matrices)
    check_weights(name, both)
    shift = _shift(*_range(both))
    for low, high in map(_range, matrices):
        if high <= 0 and -low << shift > MOST_OF_ONE_SIGN:
            what = f"%{name}: its weights are {low}..{high} without a positive one, and netx loses a unit of {low}"
            raise CompileError("netx.weight", what, hint=f"let one weight be positive, or {low} be {low + 1}")


def _range(weights: Array) -> tuple[int, int]:
    """The least and the largest."""
    return int(weights.min()), int(weights.max())


def _shift(low: int, high: int) -> int:
    """How far netx shifts weights to the left."""
    if low >= 0:
        return floor(log2(255 / high))
    if high < 0:
        return floor(log2(256 / -low))
    return 1 + floor(log2(min(127 / high if high else inf, 128 / -low)))
