"""
Populations that combine two presynaptic values element by element, never materialised.

An AND gate, or a graded gate opened by a spike, emits the product of two operands. Where its only readers sum over axes, that
is a matrix product of the operands as they were before they were expanded: the counts of (Q K^T) V without the N x N x D gates.
How many gates fired has a closed form of the same kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch

from backends.reference.kernels.emitted import Count
from backends.reference.kernels.forms import Forms

SAMPLE_AXES = 2
"""Leading axes of every value: time and batch."""


def without_copies(value: torch.Tensor) -> torch.Tensor:
    """The value with every expanded axis (stride 0) cut to length 1; time and batch stay."""
    for axis in range(SAMPLE_AXES, value.ndim):
        if value.stride(axis) == 0 and value.shape[axis] > 1:
            value = value.narrow(axis, 0, 1)
    return value


def active_elements(value: torch.Tensor, forms: Forms) -> Count:
    """How many elements of a value are not zero; copies are multiplied, not read."""
    core = without_copies(value)
    copies = value.numel() // max(1, core.numel())
    return forms.nonzero(core) if copies == 1 else forms.nonzero(core) * copies


@dataclass(frozen=True)
class Factors:
    """
    Two factors of a product over the axes of one sample, as matrices.

    a: (T B shared, own axes of a, common); b: (T B shared, common, own axes of b), both of one float type. sizes: length of every
    axis of the product, time and batch first. shared, first, second, common: the axes in these groups; along all others both are
    the same everywhere.
    """

    a: torch.Tensor
    b: torch.Tensor
    sizes: tuple[int, ...]
    shared: tuple[int, ...]
    first: tuple[int, ...]
    second: tuple[int, ...]
    common: tuple[int, ...]

    @staticmethod
    def of(
        a: torch.Tensor, b: torch.Tensor, shape: tuple[int, ...], axes: tuple[int, ...], kind: torch.dtype
    ) -> Factors:
        """
        The factors of a b, to be summed over `axes`.

        Args:
            a, b: (T, B, *shape) with length 1 at the axes along which they do not vary.
            shape: one sample's shape, of the product before summing. kind: the number type in which to compute.
        """
        sizes = (*a.shape[:SAMPLE_AXES], *shape)
        summed = {axis + SAMPLE_AXES for axis in axes}
        every = range(len(sizes))
        both = [axis for axis in every if axis < SAMPLE_AXES or (a.shape[axis] > 1 and b.shape[axis] > 1)]
        shared, common = [x for x in both if x not in summed], [x for x in both if x in summed]
        first = [axis for axis in every if axis not in both and a.shape[axis] > 1]
        second = [axis for axis in every if axis not in both and b.shape[axis] > 1]
        rest = [axis for axis in every if axis not in (*both, *first, *second)]
        size = lambda group: prod(sizes[axis] for axis in group)  # noqa: E731
        left, right = (
            a.permute(*shared, *first, *common, *second, *rest),
            b.permute(*shared, *common, *second, *first, *rest),
        )
        lengths = size(shared), size(first), size(common), size(second)
        return Factors(
            _written(left, kind).view(lengths[0], lengths[1], lengths[2]),
            _written(right, kind).view(lengths[0], lengths[2], lengths[3]),
            sizes,
            tuple(shared),
            tuple(first),
            tuple(second),
            tuple(common),
        )

    def total(self, axes: tuple[int, ...]) -> torch.Tensor:
        """The sum over `axes`, those of `of`, kept with length 1: (T, B, *shape with 1 at axes)."""
        y = torch.bmm(self.a, self.b)
        order = (*self.shared, *self.first, *self.second)
        places = sorted(range(len(order)), key=order.__getitem__)
        varying = y.view([self.sizes[axis] for axis in order]).permute(places)
        summed = {axis + SAMPLE_AXES for axis in axes}
        own = [place for place, axis in enumerate(sorted(order)) if axis in summed]
        total = varying.sum(dim=own, keepdim=True) if own else varying
        kept = [1 if axis in summed or axis not in order else size for axis, size in enumerate(self.sizes)]
        same = [axis for axis in range(len(self.sizes)) if axis not in (*order, *self.common)]
        copies = prod(self.sizes[axis] for axis in same if axis in summed)
        total = total.reshape(kept).expand([1 if axis in summed else size for axis, size in enumerate(self.sizes)])
        return total * copies if copies != 1 else total

    def active(self, forms: Forms) -> Count:
        """How many elements of the product are not zero."""
        varying = prod(self.sizes[axis] for axis in (*self.shared, *self.first, *self.second, *self.common))
        copies = prod(self.sizes) // max(1, varying)
        return forms.joint_nonzero(self.a, self.b) if copies == 1 else forms.joint_nonzero(self.a, self.b) * copies


def _written(value: torch.Tensor, kind: torch.dtype) -> torch.Tensor:
    """A copy in memory order."""
    return torch.empty(value.shape, dtype=kind, device=value.device).copy_(value)
