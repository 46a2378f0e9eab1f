"""Sums, differences, products and quotients: of two computed tensors, or of one and a constant."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod

import torch

from frontend.function_rules.constant_operand import Operand, offset, scale
from frontend.tracing.layout import FEATURE, Dim, View, is_outer, is_plain, is_time, length
from frontend.tracing.recorder import Recorder
from ir.errors import CompileError
from ir.ops import Add, Divide, Expand, Function, Mul, Not, Op, Scale, Subtract
from ir.types import SPIKE


def add(recorder: Recorder, x: Operand, y: Operand, alpha: float = 1) -> View:
    """x + alpha y."""
    _plain_sum(alpha)
    return _binary(recorder, x, y, Add(), partial(offset, recorder))


def subtract(recorder: Recorder, x: Operand, y: Operand, alpha: float = 1) -> View:
    """x - alpha y; a constant is added with the other sign, which rounds alike."""
    _plain_sum(alpha)
    if isinstance(y, View):
        return _binary(recorder, x, y, Subtract(), partial(_subtract_from_constant, recorder))
    return add(recorder, x, -y)


def subtract_from(recorder: Recorder, x: Operand, y: Operand, alpha: float = 1) -> View:
    """y - alpha x, as Python calls it for `constant - x`."""
    return subtract(recorder, y, x, alpha)


def multiply(recorder: Recorder, x: Operand, y: Operand) -> View:
    """x y elementwise."""
    return _binary(recorder, x, y, Mul(), partial(scale, recorder))


def divide(recorder: Recorder, x: Operand, y: Operand, rounding_mode: str | None = None) -> View:
    """x / y; division by a constant becomes multiplication with its reciprocal (exact for powers of two)."""
    if rounding_mode is not None:
        raise CompileError("import.divide", f"cannot import division with rounding_mode {rounding_mode!r}")
    if not isinstance(y, View):
        return multiply(recorder, x, 1 / y)
    inverse = lambda view, constant: scale(recorder, recorder.apply(Function("power", -1.0), view), constant)  # noqa: E731
    return _binary(recorder, x, y, Divide(), inverse)


def divide_into(recorder: Recorder, x: Operand, y: Operand) -> View:
    """y / x, as Python calls it for `constant / x`."""
    return divide(recorder, y, x)


def _plain_sum(alpha: float) -> None:
    if alpha != 1:
        raise CompileError("import.alpha", f"cannot import a sum with alpha={alpha}", hint="write the product out")


def _subtract_from_constant(recorder: Recorder, x: View, constant: Operand) -> View:
    """constant - x: NOT where 1 - x is asked of spikes, else -x plus the constant, which rounds alike."""
    if recorder.type(x).domain == SPIKE and _is_one(constant, x.shape):
        return recorder.apply(Not(), x)
    return offset(recorder, recorder.apply(Scale(-1.0), x), constant)


def _binary(recorder: Recorder, x: Operand, y: Operand, op: Op, constant_rule: Callable[[View, Operand], View]) -> View:
    """`op` on two traced tensors, or `constant_rule` on the traced one and the constant."""
    if isinstance(x, View) and isinstance(y, View):
        return combine(recorder, op, x, y)
    view, constant = (x, y) if isinstance(x, View) else (y, x)
    assert isinstance(view, View)
    return constant_rule(view, constant)


def combine(recorder: Recorder, op: Op, x: View, y: View) -> View:
    """An elementwise operation on two traced tensors, broadcast as torch broadcasts."""
    x, y = in_step(recorder, x, y)
    if _lie_alike(recorder, x, y):
        widest = x if recorder.is_timed(x) else y
        return View(recorder.emit(op, x.value, y.value), widest.dims)
    drop = frozenset(place for place, pair in enumerate(zip(x.dims, y.dims, strict=True)) if any(map(is_outer, pair)))
    x, y = recorder.in_order(x, drop), recorder.in_order(y, drop)
    dims: list[Dim] = [a if length(a) >= length(b) else b for a, b in zip(x.dims, y.dims, strict=True)]
    values = [x.value, y.value]
    if isinstance(op, Add):  # populations merge element by element
        values = [_widened(recorder, value, dims, drop) for value in values]
    return recorder.result(recorder.emit(op, *values), dims)


def _widened(recorder: Recorder, value: str, dims: list[Dim], drop: frozenset[int]) -> str:
    shape = tuple(prod(a.size for a in dim if a.kind == FEATURE) for place, dim in enumerate(dims) if place not in drop)
    return value if recorder.type(View(value, ())).shape == shape else recorder.emit(Expand(shape), value)


def in_step(recorder: Recorder, x: View, y: View) -> tuple[View, View]:
    """Both tensors with as many dimensions, and time where the other has time. CompileError where batch or time differ."""
    rank = max(len(x.dims), len(y.dims))
    x, y = (view.with_dims((*[()] * (rank - len(view.dims)), *view.dims)) for view in (x, y))
    for place in range(rank):
        a, b = x.dims[place], y.dims[place]
        if is_time(a) and b and is_plain(b) and length(b) == recorder.steps and not recorder.is_timed(y):
            y = recorder.unfold_time(y, place)
        elif is_time(b) and a and is_plain(a) and length(a) == recorder.steps and not recorder.is_timed(x):
            x = recorder.unfold_time(x, place)
        elif a and b and _outer(a) != _outer(b) and not (length(a) == 1 or length(b) == 1):
            raise CompileError("import.axes", f"combines {x} with {y}: time and batch do not meet")
    return x, y


def _outer(dim: Dim) -> list[tuple[int, str]]:
    return [(place, axis.kind) for place, axis in enumerate(dim) if axis.kind != FEATURE]


def _lie_alike(recorder: Recorder, x: View, y: View) -> bool:
    """Whether two tensors have the same features in the same order on values of the same shape."""
    sizes = [[(axis.kind, axis.size) for axis in dim if axis.kind == FEATURE] for view in (x, y) for dim in view.dims]
    half = len(sizes) // 2
    return sizes[:half] == sizes[half:] and x.ranks == y.ranks and recorder.type(x).shape == recorder.type(y).shape


def _is_one(constant: Operand, shape: tuple[int, ...]) -> bool:
    """Whether a constant is 1 at every element of a tensor of `shape`, and makes it no longer."""
    if not isinstance(constant, torch.Tensor):
        return constant == 1
    return bool((constant == 1).all()) and (constant.numel() == 1 or tuple(constant.shape) == shape)


RULES = {
    "add": add,
    "sub": subtract,
    "subtract": subtract,
    "__rsub__": subtract_from,
    "rsub": subtract_from,
    "mul": multiply,
    "multiply": multiply,
    "div": divide,
    "divide": divide,
    "true_divide": divide,
    "__rdiv__": divide_into,
}
"""Function name -> rule."""
