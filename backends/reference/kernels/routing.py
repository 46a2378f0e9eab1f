"""Routing of torch tensors, prepared once for all runs: views where the operation renames wires, else its definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch

from ir.graph import Node
from ir.ops.base import Op
from ir.ops.over_time.delay import Delay, distinct
from ir.ops.shape import SILENT, Expand, Gather, Permute, Reshape

Operands = tuple[torch.Tensor, ...]


class Route(Protocol):
    """How a routing node acts."""

    def __call__(self, operands: Operands, steps: int) -> torch.Tensor:
        """The routed value of operands (T, B, *shape)."""
        ...


def route_of(node: Node, params: Mapping[str, torch.Tensor], dtype: torch.dtype | None) -> Route:
    """
    The fastest route that is the operation of `node`.

    Args:
        dtype: to which several operands are brought first; None leaves them.
    """
    op = node.op
    if isinstance(op, Reshape):
        return _Reshaped(op.shape)
    if isinstance(op, Permute):
        return _Permuted((0, 1, *(axis + 2 for axis in op.perm)))
    if isinstance(op, Expand):
        return _Expanded(op.shape)
    if isinstance(op, Gather):
        return _Gathered(op)
    if isinstance(op, Delay) and "steps" in params:
        longest = op.longest(params)
        # read once: on a GPU, reading the lengths in a run would wait for it
        places = [(longest - delay, params["steps"] == delay) for delay in distinct(params["steps"])]
        return _DelayedByElement(longest, tuple(places))
    return _Defined(op, params, dtype)


@dataclass(frozen=True)
class _Reshaped:
    shape: tuple[int, ...]

    def __call__(self, operands: Operands, steps: int) -> torch.Tensor:
        return operands[0].reshape(*operands[0].shape[:2], *self.shape)


@dataclass(frozen=True)
class _Permuted:
    order: tuple[int, ...]
    """Of all axes, time and batch first."""

    def __call__(self, operands: Operands, steps: int) -> torch.Tensor:
        return operands[0].permute(self.order)


@dataclass(frozen=True)
class _Expanded:
    shape: tuple[int, ...]

    def __call__(self, operands: Operands, steps: int) -> torch.Tensor:
        return operands[0].expand(*operands[0].shape[:2], *self.shape)


class _Gathered:
    """The elements of an index, which is brought to a device once: in a run, that would wait for it."""

    def __init__(self, op: Gather) -> None:
        self._axis, self._index = op.axis + 2, torch.tensor(op.index).clamp(min=0)
        self._silent = torch.tensor([k for k, place in enumerate(op.index) if place == SILENT], dtype=torch.int64)

    def __call__(self, operands: Operands, steps: int) -> torch.Tensor:
        x = operands[0]
        if self._index.device != x.device:
            self._index, self._silent = self._index.to(x.device), self._silent.to(x.device)
        if self._axis == x.ndim - 1:  # there torch selects element by element, and gathers four times faster
            y = x.gather(self._axis, self._index.expand(*x.shape[:-1], -1))
        else:
            y = x.index_select(self._axis, self._index)
        return y.index_fill_(self._axis, self._silent, 0) if len(self._silent) else y


@dataclass(frozen=True)
class _DelayedByElement:
    """A delay of every element by its own number of steps."""

    longest: int
    places: tuple[tuple[int, torch.Tensor], ...]
    """For every length: (where its elements start in the line, which elements they are)."""

    def __call__(self, operands: Operands, steps: int) -> torch.Tensor:
        x = operands[0]
        line = torch.cat([x.new_zeros((self.longest, *x.shape[1:])), x])
        y = torch.zeros_like(x)
        for start, elements in self.places:
            y = torch.where(elements, line[start : start + len(x)], y)
        return y


@dataclass(frozen=True)
class _Defined:
    """The definition of the operation."""

    op: Op
    params: Mapping[str, torch.Tensor]
    dtype: torch.dtype | None
    """To which several operands are brought first; None leaves them."""

    def __call__(self, operands: Operands, steps: int) -> torch.Tensor:
        if self.dtype is not None and len(operands) > 1:
            operands = tuple(operand.to(self.dtype) for operand in operands)
        return self.op.run(operands, self.params, steps)
