"""
Sums of float64 products, correctly rounded: the result depends neither on the order of summation nor on the library.

Both operands are cut into slices of so few bits that every product of two slices is a sum of whole numbers below 2^53, exact in
any order (Ozaki, Ogita, Oishi and Rump 2012, "Error-free transformations of matrix multiplication"). The few products are then
added without error as expansions, and rounded once (Shewchuk 1997, "Adaptive precision floating-point arithmetic", which is
math.fsum's way, too).
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_torch_array

Array = Any
"""A numpy array or torch tensor of float64."""

MANTISSA, BIAS = 53, 1023
"""Of a float64: bits of its mantissa, offset of its exponent."""
FEW_BITS = 16
"""Whole numbers up to so many bits, spikes above all, make a single slice, which leaves more bits to the weights."""


def accumulated(x: Array, weight: Array) -> Array:
    """x weight^T of numpy arrays, accumulated in float64 (exact for integers, which numpy multiplies without BLAS)."""
    dtype = x.dtype if x.dtype.kind in "iu" and weight.dtype.kind in "iu" else np.result_type(x, weight)
    return (x.astype(np.float64) @ weight.T.astype(np.float64)).astype(dtype)


def exact_product(x: Array, weight: Array) -> Array:
    """y[..., o] = sum_i x[..., i] weight[o, i], rounded once; x (..., I), weight (O, I)."""
    xp = array_namespace(x)
    rows = xp.reshape(x, (prod(x.shape[:-1]), x.shape[-1]))
    y = exact_bilinear(rows, weight, x.shape[-1], lambda a, b: a @ b.T)
    return xp.reshape(y, (*x.shape[:-1], weight.shape[0]))


def exact_sum(x: Array, axes: tuple[int, ...]) -> Array:
    """The sum of x over `axes`, kept with length 1, rounded once."""
    xp = array_namespace(x)
    rest = tuple(axis for axis in range(x.ndim) if axis not in axes)
    rows = xp.reshape(xp.permute_dims(x, (*rest, *axes)), (prod(x.shape[axis] for axis in rest), -1))
    y = exact_product(rows, xp.ones_like(rows[:1]) if len(rows) else rows)
    return xp.reshape(y, tuple(1 if axis in axes else n for axis, n in enumerate(x.shape)))


def exact_bilinear(x: Array, weight: Array, terms: int, multiply: Callable[[Array, Array], Array]) -> Array:
    """
    A sum of products of x and weight, rounded once.

    Args:
        x: (R, ...). weight: (O, ...). terms: how many products one sum has at most.
        multiply: the same sums in float64, (R, ...) and (O, ...) -> (R, O, ...), free to take any order.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        y = _added(x, weight, terms, multiply)
        xp = array_namespace(x)
        if bool(xp.all(xp.isfinite(y))) and bool(xp.all(xp.isfinite(x))):
            return y
        plain = multiply(x, weight)
        return xp.where(xp.isfinite(y) & xp.isfinite(plain), y, plain)


def _added(x: Array, weight: Array, terms: int, multiply: Callable[[Array, Array], Array]) -> Array:
    """The sums of the finite operands; infinities and numbers that are none count as zero."""
    xp = array_namespace(x)
    sums = max(terms - 1, 0).bit_length()
    x_bits = _whole_bits(xp, x) or max(1, (MANTISSA - sums) // 2)
    parts: list[Array] = []
    weights = _slices(xp, weight, max(1, MANTISSA - sums - x_bits))
    for numbers, exponents in _slices(xp, x, x_bits):
        for weight_numbers, weight_exponents in weights:
            y = multiply(numbers, weight_numbers)
            rest = (1,) * (y.ndim - 2)
            y = _shifted(xp, y, xp.reshape(exponents, (-1, 1, *rest)))
            parts = _grown(parts, _shifted(xp, y, xp.reshape(weight_exponents, (1, -1, *rest))))
    return _rounded(xp, parts) if parts else multiply(xp.zeros_like(x), xp.zeros_like(weight))


def _whole_bits(xp: Any, x: Array) -> int:
    """Bits of the largest of small whole numbers; 0 where x holds anything else."""
    largest = float(xp.max(xp.abs(x))) if prod(x.shape) else 0.0
    if not largest < 1 << FEW_BITS or not bool(xp.all(xp.trunc(x) == x)):
        return 0
    return max(1, int(largest).bit_length())


def _slices(xp: Any, x: Array, bits: int) -> list[tuple[Array, Array]]:
    """x = the sum of numbers 2^exponents, numbers whole and below 2^bits, one exponent for all of x[r]: [(numbers, (R,))]."""
    rest = xp.where(xp.isfinite(x), x, xp.zeros_like(x))
    flat = xp.reshape(rest, (x.shape[0], prod(x.shape[1:])))
    column = (x.shape[0], *(1,) * (x.ndim - 1))
    slices: list[tuple[Array, Array]] = []
    while bool(xp.any(rest != 0)):
        flat = xp.reshape(rest, flat.shape)
        exponents = _exponents(xp, xp.max(xp.abs(flat), axis=1)) - bits
        wide = xp.reshape(exponents, column)
        numbers = xp.trunc(_shifted(xp, rest, -wide))
        rest = rest - _shifted(xp, numbers, wide)
        slices.append((numbers, exponents))
    return slices


def _exponents(xp: Any, largest: Array) -> Array:
    """The least e with largest < 2^e, as int64; any e for 0."""
    tiny = largest < 2.0**-BIAS
    bits = _as(largest * xp.where(tiny, xp.full_like(largest, 2.0**MANTISSA), xp.ones_like(largest)), "int64")
    exponents = ((bits >> (MANTISSA - 1)) & 0x7FF) - (BIAS - 1)
    return xp.where(tiny, exponents - MANTISSA, exponents)


def _shifted(xp: Any, x: Array, exponents: Array) -> Array:
    """x 2^exponents; in three factors, each of which float64 holds."""
    third = exponents // 3
    return x * _power(third) * _power(third) * _power(exponents - 2 * third)


def _power(exponents: Array) -> Array:
    """2^exponents from its bits, exactly; exponents within the normal range."""
    return _as((exponents + BIAS) << (MANTISSA - 1), "float64")


def _as(x: Array, dtype: str) -> Array:
    """The bits of x, read as another type."""
    if not is_torch_array(x):
        return x.view(dtype)
    import torch

    return x.view(torch.int64 if dtype == "int64" else torch.float64)


def _grown(parts: list[Array], term: Array) -> list[Array]:
    """An expansion (smallest part first) with one more term: the sum of the parts stays exact."""
    grown: list[Array] = []
    for part in parts:
        term, error = _two_sum(term, part)
        if bool((error != 0).any()):
            grown.append(error)
    return [*grown, term]


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """(a + b rounded, what rounding lost) (Knuth, TAOCP 4.2.2)."""
    total = a + b
    other = total - a
    return total, (a - (total - other)) + (b - other)


def _rounded(xp: Any, parts: list[Array]) -> Array:
    """The float64 nearest to the sum of an expansion, ties to even."""
    total, *smaller = reversed(parts)
    lost, below = xp.zeros_like(total), xp.zeros_like(total)
    for part in smaller:
        below = xp.where((lost != 0) & (below == 0), part, below)
        summed, error = _two_sum(total, part)
        total, lost = xp.where(lost == 0, summed, total), xp.where(lost == 0, error, lost)
    twice = 2 * lost
    nudged = total + twice
    return xp.where((xp.sign(lost) * xp.sign(below) > 0) & (nudged - total == twice), nudged, total)
