"""
Sums over populations that combine two values element by element, as matrix products: the populations are never materialised.

An AND gate, or a payload opened by a spike, emits the product of two operands. Where its only readers sum over axes, that is a
matrix product of the operands as they were before they were expanded: the counts of (Q K^T) V without the N x N x D gates. How
many gates fired has a closed form of the same kind. `ir.analysis.and_gates` says which populations these are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch

from backends.reference.kernels.device_kernels import DeviceKernels
from backends.reference.kernels.values import SAMPLE_AXES, Count


@dataclass(frozen=True)
class Factors:
    """
    Two factors of a product over the axes of one sample, as matrices of one float dtype.

    Along axes that are in none of the groups below, both are the same everywhere.
    """

    a: torch.Tensor
    """(T B shared, axes of a alone, common)."""
    b: torch.Tensor
    """(T B shared, common, axes of b alone)."""
    sizes: tuple[int, ...]
    """Length of every axis of the product, time and batch first."""
    shared: tuple[int, ...]
    """Axes along which both vary and that stay, time and batch among them."""
    first: tuple[int, ...]
    """Axes along which a alone varies."""
    second: tuple[int, ...]
    """Axes along which b alone varies."""
    common: tuple[int, ...]
    """Axes along which both vary and that are summed."""

    @staticmethod
    def of(
        a: torch.Tensor, b: torch.Tensor, shape: tuple[int, ...], axes: Sequence[int], dtype: torch.dtype
    ) -> Factors:
        """
        The factors of a b, to be summed over `axes`.

        Args:
            a, b: (T, B, *shape) with length 1 at the axes along which they do not vary.
            shape: one sample's shape, of the product before summing. dtype: in which to compute.
        """
        sizes = (*a.shape[:SAMPLE_AXES], *shape)
        summed = {axis + SAMPLE_AXES for axis in axes}
        rank = range(len(sizes))
        both = [axis for axis in rank if axis < SAMPLE_AXES or (a.shape[axis] > 1 and b.shape[axis] > 1)]
        shared, common = [axis for axis in both if axis not in summed], [axis for axis in both if axis in summed]
        first = [axis for axis in rank if axis not in both and a.shape[axis] > 1]
        second = [axis for axis in rank if axis not in both and b.shape[axis] > 1]
        rest = [axis for axis in rank if axis not in (*both, *first, *second)]
        left = _written(a.permute(*shared, *first, *common, *second, *rest), dtype)
        right = _written(b.permute(*shared, *common, *second, *first, *rest), dtype)
        many, high, deep, wide = (prod(sizes[axis] for axis in group) for group in (shared, first, common, second))
        return Factors(
            left.view(many, high, deep),
            right.view(many, deep, wide),
            sizes,
            tuple(shared),
            tuple(first),
            tuple(second),
            tuple(common),
        )

    def total(self, axes: Sequence[int]) -> torch.Tensor:
        """The sum over `axes`, those of `of`, kept with length 1: (T, B, *shape with 1 at axes)."""
        y = torch.bmm(self.a, self.b)
        order = (*self.shared, *self.first, *self.second)
        places = sorted(range(len(order)), key=order.__getitem__)
        varying = y.view([self.sizes[axis] for axis in order]).permute(places)
        summed = {axis + SAMPLE_AXES for axis in axes}
        still_summed = [place for place, axis in enumerate(sorted(order)) if axis in summed]
        total = varying.sum(dim=still_summed, keepdim=True) if still_summed else varying
        lengths = [1 if axis in summed or axis not in order else size for axis, size in enumerate(self.sizes)]
        same = [axis for axis in range(len(self.sizes)) if axis not in (*order, *self.common)]
        copies = prod(self.sizes[axis] for axis in same if axis in summed)
        total = total.reshape(lengths).expand([1 if axis in summed else size for axis, size in enumerate(self.sizes)])
        return total * copies if copies != 1 else total

    def active(self, kernels: DeviceKernels) -> Count:
        """How many elements of the product are not zero."""
        varying = prod(self.sizes[axis] for axis in (*self.shared, *self.first, *self.second, *self.common))
        copies = prod(self.sizes) // max(1, varying)
        active = kernels.product_nonzero(self.a, self.b)
        return active if copies == 1 else active * copies


def _written(value: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A copy in memory order."""
    return torch.empty(value.shape, dtype=dtype, device=value.device).copy_(value)
