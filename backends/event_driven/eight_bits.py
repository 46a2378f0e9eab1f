"""Weights of eight bits: what fits into them, powers of two that the weights of a row, or of all, share apart."""

from __future__ import annotations

from math import prod

import numpy as np

from ir.analysis.limits import trailing_zeros
from ir.graph import Array

MOST_SHIFT = 16
"""The largest power of two apart from which weights count as eight bits."""


def fits(weight: Array) -> bool:
    """Whether all weights (outputs, ...) are eight-bit integers, powers of two that a row shares apart."""
    rows, limit = _rows(weight), 1 << (7 + np.minimum(row_shifts(weight), MOST_SHIFT))
    return bool(np.all(-limit <= rows.min(axis=1, initial=0)) and np.all(rows.max(axis=1, initial=0) < limit))


def row_shifts(weight: Array) -> Array:
    """How many low bits are zero in all weights of every row, (outputs,); 0 for a row of zeros."""
    return trailing_zeros(np.bitwise_or.reduce(_rows(weight), axis=1).astype(np.int64))


def mantissas(weight: Array) -> tuple[Array, int, Array | None]:
    """
    The weights (outputs, ...), which `fits`, as bytes, and the powers of two that are apart: one of all, and more of single rows.

    Returns:
        bytes; the shared factor; the further factor of every row (outputs,), None where no row has one.
    """
    shifts = row_shifts(weight)
    shared = common_shift(weight)
    more = np.maximum(shifts - shared, 0)
    bytes_ = (weight >> (shared + more).reshape(-1, *(1,) * (weight.ndim - 1))).astype(np.int8)
    return bytes_, 1 << shared, (1 << more) if np.any(more) else None


def common_shift(weight: Array) -> int:
    """How many low bits are zero in all weights; 0 where there is nothing but zeros."""
    used = int(np.bitwise_or.reduce(weight.astype(np.int64), axis=None))
    return max(0, (used & -used).bit_length() - 1)


def _rows(weight: Array) -> Array:
    return weight.reshape(len(weight), prod(weight.shape[1:]))
