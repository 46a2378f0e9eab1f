"""
Reductions and normalisations along axes of features and over the window: the read-outs of networks. The host computes them.

Both are computed by torch's own kernels, on the very numbers, so that even ties are decided as torch decides them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.ops.host.functions import by_torch
from ir.types import REAL, Type

TIME = -1
"""The axis of time, among axes of features."""


def _dims(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of an array with time and batch in front."""
    return tuple(0 if axis == TIME else axis + 2 for axis in axes)


REDUCTIONS: dict[str, Callable[[Any, tuple[int, ...], float], Any]] = {
    "max": lambda x, dims, c: x.amax(dims, keepdim=True),
    "min": lambda x, dims, c: x.amin(dims, keepdim=True),
    "argmax": lambda x, dims, c: x.argmax(*dims, keepdim=True),
    "argmin": lambda x, dims, c: x.argmin(*dims, keepdim=True),
    "argmax_of_max": lambda x, dims, c: x.max(*dims, keepdim=True).indices,
    "argmin_of_min": lambda x, dims, c: x.min(*dims, keepdim=True).indices,
    "prod": lambda x, dims, c: x.prod(*dims, keepdim=True),
    "logsumexp": lambda x, dims, c: x.logsumexp(dims, keepdim=True),
    "var": lambda x, dims, c: x.var(dims, correction=c, keepdim=True),
    "std": lambda x, dims, c: x.std(dims, correction=c, keepdim=True),
    "norm": lambda x, dims, c: x.norm(c, dims, keepdim=True),
    "norm_largest": lambda x, dims, c: x.norm(inf, dims, keepdim=True),
    "norm_smallest": lambda x, dims, c: x.norm(-inf, dims, keepdim=True),
}
"""Name -> function of (tensor, its dimensions, constant). Two names for an index: torch finds it in two ways."""
SINGLE = frozenset({"argmax", "argmin", "argmax_of_max", "argmin_of_min", "prod"})
"""Reductions over one axis only."""


@dataclass(frozen=True)
class Reduce(Op):
    """
    y = function of x over `axes`, which are kept with length 1; the axis TIME makes the value known after the last step only.

    The constant is the correction of `var` and `std`: the divisor is the number of elements less it; of `norm`, its p.
    """

    kind = "reduce"
    family = "host"
    function: str
    axes: tuple[int, ...]
    constant: float = 0.0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        hint = f"known: {', '.join(REDUCTIONS)}"
        expect(self.function in REDUCTIONS, "reduce.name", f"unknown reduction {self.function!r}", hint=hint)
        expect(len(self.axes) == 1 or self.function not in SINGLE, "reduce.axes", f"{self.function} takes one axis")
        _check_axes(self, self.axes, args[0])
        shape = tuple(1 if axis in self.axes else n for axis, n in enumerate(args[0].shape))
        return Type(shape, REAL, 1.0, args[0].static or TIME in self.axes)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return by_torch(REDUCTIONS[self.function], args[0], _dims(self.axes), self.constant)


ALONG: dict[str, Callable[[Any, int], Any]] = {
    "softmax": lambda x, dim: x.softmax(dim),
    "log_softmax": lambda x, dim: x.log_softmax(dim),
    "cumsum": lambda x, dim: x.cumsum(dim),
    "cumprod": lambda x, dim: x.cumprod(dim),
    "logcumsumexp": lambda x, dim: x.logcumsumexp(dim),
    "sort": lambda x, dim: x.sort(dim).values,
    "sort_descending": lambda x, dim: x.sort(dim, descending=True).values,
    "argsort": lambda x, dim: x.sort(dim).indices,
    "argsort_descending": lambda x, dim: x.sort(dim, descending=True).indices,
}
"""Name -> function of (tensor, dimension) to a tensor of the same shape."""


@dataclass(frozen=True)
class Along(Op):
    """y = function of x along one axis, which keeps its length; the axis TIME is the window."""

    kind = "along"
    family = "host"
    function: str
    axis: int

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        hint = f"known: {', '.join(ALONG)}"
        expect(self.function in ALONG, "along.name", f"unknown function {self.function!r}", hint=hint)
        _check_axes(self, (self.axis,), args[0])
        return replace(args[0], domain=REAL, scale=1.0)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return by_torch(ALONG[self.function], args[0], *_dims((self.axis,)))


@dataclass(frozen=True)
class TopK(Op):
    """y = the k largest (or smallest) values of x along an axis of features, or where they are; in order if `ordered`."""

    kind = "top_k"
    family = "host"
    k: int
    axis: int
    largest: bool = True
    ordered: bool = True
    part: str = "values"
    """Or `indices`."""

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        _check_axes(self, (self.axis,), args[0])
        shape = args[0].shape
        expect(self.axis >= 0, "top_k.axis", "the largest steps of the window are no features")
        expect(1 <= self.k <= shape[self.axis], "top_k.k", f"axis {self.axis} of {shape} has no {self.k} elements")
        expect(self.part in ("values", "indices"), "top_k.part", f"values or indices, not {self.part!r}")
        shape = (*shape[: self.axis], self.k, *shape[self.axis + 1 :])
        return replace(args[0], shape=shape, domain=REAL, scale=1.0)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return by_torch(self._chosen, args[0])

    def _chosen(self, x: Any) -> Any:
        return getattr(x.topk(self.k, *_dims((self.axis,)), self.largest, self.ordered), self.part)


def _check_axes(op: Op, axes: tuple[int, ...], arg: Type) -> None:
    places = bool(axes) and all(TIME <= axis < len(arg.shape) for axis in axes)
    expect(places, f"{op.kind}.axes", f"{arg.shape} has no axes {axes}")
    timed = not arg.static or TIME not in axes
    expect(timed, f"{op.kind}.static", "a value without time cannot be reduced over time")
