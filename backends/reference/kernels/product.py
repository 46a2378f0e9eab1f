"""
Weighted sums in floating point that are exact on integers, or rounded once on real numbers.

A sum of integers is exact in float32, in any order, while the sum of its terms' magnitudes stays within 2^24; where no bound
proves that beforehand, the values of a run are looked at, and float64 (2^53) takes over where they are too large. Real numbers
are accumulated in float64 and rounded to float32 once, so that the result does not depend on the order of summation; sums of
a float64 network are added without error and rounded once.
"""

from __future__ import annotations

from math import ceil, prod

import torch
from torch.nn import functional

from ir.analysis.ranges import fits_float32
from ir.graph import Node
from ir.ops.exact_product import exact_bilinear, exact_product, exact_sum
from ir.ops.linear import Conv, Linear, Sum, Synapse

SUM_ROUNDING = 2.0**-10
"""More than the relative error of a float32 sum of up to 2^13 positive numbers in any order, and of any sum in trees."""


def accumulator(bound: int) -> torch.dtype:
    """The narrowest float dtype in which a sum of magnitudes up to `bound` is exact."""
    return torch.float32 if fits_float32(bound) else torch.float64


def weighted_sum(node: Node, x: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    """The projection of x (T, B, *shape), computed in the dtype of x; `weight` is of that dtype."""
    op = node.op
    if isinstance(op, Linear):
        assert weight is not None
        return functional.linear(x.reshape(-1, x.shape[-1]), weight).reshape(*x.shape[:-1], len(weight))
    if isinstance(op, Conv):
        assert weight is not None
        return convolution(op, x, weight)
    if isinstance(op, Sum):
        total = x.sum(dim=[axis + 2 for axis in op.axes], keepdim=True)
        return total if op.weight == 1 else total * op.weight
    assert isinstance(op, Synapse), op
    return x if op.weight == 1 else x * op.weight


def exact_weighted_sum(node: Node, x: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    """The projection of float64 x (T, B, *shape), rounded once."""
    op = node.op
    if isinstance(op, Linear):
        assert weight is not None
        return exact_product(x, weight)
    if isinstance(op, Conv):
        assert weight is not None
        y = exact_bilinear(x.flatten(0, 1), weight, prod(weight.shape[1:]), lambda a, b: convolution(op, a[None], b)[0])
        return y.reshape(*x.shape[:2], *y.shape[1:])
    if isinstance(op, Sum):
        return exact_sum(x, tuple(axis + 2 for axis in op.axes)) * op.weight
    return weighted_sum(node, x, weight)


def convolution(op: Conv, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Convolution by plain multiplication: cuDNN's Winograd and Fourier forms would round integers."""
    with torch.backends.cudnn.flags(enabled=False):
        y = op.convolve(x.flatten(0, 1), weight)
    return y.reshape(*x.shape[:2], *y.shape[1:])


def largest_term_sum(x: torch.Tensor, largest_weight: int) -> int:
    """A bound on any sum of magnitudes in a linear projection of the integers x, float32's own rounding included."""
    magnitudes = x.to(torch.float32).abs()  # -128 has no magnitude in a byte
    return ceil(float(magnitudes.sum(dim=-1).max()) * (1 + SUM_ROUNDING)) * largest_weight
