"""
Populations that combine two presynaptic values element by element, never materialised.

An AND gate, or a graded gate opened by a spike, emits the product of two operands. Where its only readers sum over axes, that
is a matrix product of the operands as they were before they were expanded: the counts of (Q K^T) V without the N x N x D gates.
How many gates fired has a closed form of the same kind.
"""

from __future__ import annotations

from math import prod

import torch

from backends.reference.product import EXACT_FLOAT32

SAMPLE_AXES = 2
"""Leading axes of every value: time and batch."""


def without_copies(value: torch.Tensor) -> torch.Tensor:
    """The value with every expanded axis (stride 0) cut to length 1; time and batch stay."""
    for axis in range(SAMPLE_AXES, value.ndim):
        if value.stride(axis) == 0 and value.shape[axis] > 1:
            value = value.narrow(axis, 0, 1)
    return value


def active_elements(value: torch.Tensor) -> torch.Tensor:
    """How many elements of a value are not zero, as a scalar tensor; copies are multiplied, not read."""
    core = without_copies(value)
    return torch.count_nonzero(core) * (value.numel() // max(1, core.numel()))


def active_spikes(value: torch.Tensor) -> torch.Tensor:
    """How many of a population's spikes (0 or 1 in float32) there are: their sum, several times faster than comparing."""
    exact = value.numel() <= EXACT_FLOAT32
    return value.sum().to(torch.int64) if exact else active_elements(value)


def joint_sum(
    a: torch.Tensor, b: torch.Tensor, shape: tuple[int, ...], axes: tuple[int, ...], dtype: torch.dtype
) -> torch.Tensor:
    """
    The sum of a b over `axes`, kept with length 1: (T, B, *shape with 1 at axes).

    Args:
        a, b: (T, B, *shape) with length 1 at the axes along which they do not vary.
        shape: one sample's shape, of the product before summing.
        dtype: the number type in which to accumulate.
    """
    letters = [chr(ord("a") + axis) for axis in range(a.ndim)]
    kept = [axis for axis in range(a.ndim) if axis < SAMPLE_AXES or axis - SAMPLE_AXES not in axes]
    terms: list[torch.Tensor] = []
    names: list[str] = []
    for value in (a, b):
        own = [axis for axis in range(value.ndim) if axis < SAMPLE_AXES or value.shape[axis] > 1]
        terms.append(value.reshape([value.shape[axis] for axis in own]).to(dtype))
        names.append("".join(letters[axis] for axis in own))
    used = [axis for axis in kept if letters[axis] in names[0] or letters[axis] in names[1]]
    total = torch.einsum(f"{names[0]},{names[1]}->{''.join(letters[axis] for axis in used)}", *terms)
    varies = [max(a.shape[axis], b.shape[axis]) for axis in range(a.ndim)]
    unit = [varies[axis] if axis in used else 1 for axis in range(a.ndim)]
    copies = prod(shape[axis] for axis in axes if varies[axis + SAMPLE_AXES] == 1)
    full = [*a.shape[:2], *(1 if axis in axes else n for axis, n in enumerate(shape))]
    total = total.reshape(unit).expand(full)
    return total * copies if copies != 1 else total


def joint_active(a: torch.Tensor, b: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """How many elements of the product are not zero, as a scalar tensor of whole numbers."""
    everything = tuple(range(len(shape)))
    return joint_sum(a != 0, b != 0, shape, everything, torch.float64).sum().to(torch.int64)
