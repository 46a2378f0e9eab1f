"""Routing of torch tensors, prepared once for all runs: views where the operation renames wires, else its definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from ir.graph import Node
from ir.ops.delay import Delay, distinct
from ir.ops.shape import Expand, Permute, Reshape

Operands = tuple[torch.Tensor, ...]
Route = Callable[[Operands, int], torch.Tensor]
"""(operands (T, B, *shape), steps) -> the routed value."""


def route_of(node: Node, own: Mapping[str, torch.Tensor], kind: torch.dtype | None) -> Route:
    """
    How a routing node acts.

    Args:
        own: its parameters. kind: the number type to which several operands are brought first; None leaves them.
    """
    op = node.op
    if isinstance(op, Reshape):
        shape = op.shape
        return lambda operands, _: operands[0].reshape(*operands[0].shape[:2], *shape)
    if isinstance(op, Permute):
        order = (0, 1, *(axis + 2 for axis in op.perm))
        return lambda operands, _: operands[0].permute(order)
    if isinstance(op, Expand):
        wide = op.shape
        return lambda operands, _: operands[0].expand(*operands[0].shape[:2], *wide)
    if isinstance(op, Delay) and "steps" in own:
        return _delayed(op, own)

    def route(operands: Operands, steps: int) -> torch.Tensor:
        if kind is not None and len(operands) > 1:
            operands = tuple(operand.to(kind) for operand in operands)
        return op.run(operands, own, steps)

    return route


def _delayed(op: Delay, own: Mapping[str, torch.Tensor]) -> Route:
    """A delay of every element's own, its lengths read once: on a GPU, reading them in a run would wait for it."""
    late = op.longest(own)
    places = [(late - delay, own["steps"] == delay) for delay in distinct(own["steps"])]

    def route(operands: Operands, _: int) -> torch.Tensor:
        x = operands[0]
        line = torch.cat([x.new_zeros((late, *x.shape[1:])), x])
        y = torch.zeros_like(x)
        for start, here in places:
            y = torch.where(here, line[start : start + len(x)], y)
        return y

    return route
