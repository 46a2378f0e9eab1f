"""Weights of eight bits: what fits into them, powers of two that all weights share apart."""

from __future__ import annotations

import numpy as np

from ir.graph import Array

MOST_SHIFT = 16
"""The largest power of two apart from which weights count as eight bits."""


def fits(weight: Array) -> bool:
    """Whether all weights are eight-bit integers, powers of two that they share apart."""
    limit = 1 << (7 + min(common_shift(weight), MOST_SHIFT))
    return -limit <= int(weight.min(initial=0)) and int(weight.max(initial=0)) < limit


def common_shift(weight: Array) -> int:
    """How many low bits are zero in all weights; 0 where there is nothing but zeros."""
    used = int(np.bitwise_or.reduce(weight.astype(np.int64), axis=None))
    return max(0, (used & -used).bit_length() - 1)
