"""Weights of eight bits: what fits into them, powers of two that all weights share apart."""

from __future__ import annotations

import numpy as np

from ir.graph import Array


def fits(weight: Array) -> bool:
    """Whether all weights are eight-bit integers, powers of two that they share apart."""
    limit = 1 << (7 + common_shift(weight))
    return -limit <= int(weight.min(initial=0)) and int(weight.max(initial=0)) < limit


def common_shift(weight: Array) -> int:
    """How many low bits are zero in all weights, up to 16."""
    used = int(np.bitwise_or.reduce(weight.astype(np.int64), axis=None))
    return next((bit for bit in range(17) if used >> bit & 1), 0)
