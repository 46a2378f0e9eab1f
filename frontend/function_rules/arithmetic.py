"""Elementwise functions of one tensor, of a tensor and a constant, and of two tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod

import numpy as np
import torch

from frontend.layout import BATCH, FEATURE, TIME, Axis, Dim, View, is_outer, is_plain, length
from frontend.recorder import Constant, Recorder
from ir.errors import CompileError
from ir.graph import Array
from ir.ops import Add, Divide, Expand, Function, Mul, Offset, Op, Scale, Subtract, TimeWeight

Operand = View | torch.Tensor | float | int


def add(recorder: Recorder, x: Operand, y: Operand, alpha: float = 1) -> View:
    """x + alpha y."""
    _plain_sum(alpha)
    return _binary(recorder, x, y, Add(), partial(_offset, recorder))


def subtract(recorder: Recorder, x: Operand, y: Operand, alpha: float = 1) -> View:
    """x - alpha y; a constant is added with the other sign, which rounds alike."""
    _plain_sum(alpha)
    if isinstance(y, View):
        return _binary(
            recorder, x, y, Subtract(), lambda view, constant: _offset(recorder, _negated(recorder, view), constant)
        )
    return add(recorder, x, -y)


def subtract_from(recorder: Recorder, x: Operand, y: Operand, alpha: float = 1) -> View:
    """y - alpha x, as Python calls it for `constant - x`."""
    return subtract(recorder, y, x, alpha)


def multiply(recorder: Recorder, x: Operand, y: Operand) -> View:
    """x y elementwise."""
    return _binary(recorder, x, y, Mul(), partial(_scale, recorder))


def divide(recorder: Recorder, x: Operand, y: Operand, rounding_mode: str | None = None) -> View:
    """x / y; division by a constant becomes multiplication with its reciprocal (exact for powers of two)."""
    if rounding_mode is not None:
        raise CompileError("import.divide", f"cannot import division with rounding_mode {rounding_mode!r}")
    if not isinstance(y, View):
        return multiply(recorder, x, 1 / y)
    inverse = lambda view, constant: _scale(recorder, recorder.apply(Function("power", -1.0), view), constant)  # noqa: E731
    return _binary(recorder, x, y, Divide(), inverse)


def divide_into(recorder: Recorder, x: Operand, y: Operand) -> View:
    """y / x, as Python calls it for `constant / x`."""
    return divide(recorder, y, x)


def _plain_sum(alpha: float) -> None:
    if alpha != 1:
        raise CompileError("import.alpha", f"cannot import a sum with alpha={alpha}", hint="write the product out")


def _negated(recorder: Recorder, x: View) -> View:
    return recorder.apply(Function("negate"), x)


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
        if _is_time(a) and b and is_plain(b) and length(b) == recorder.steps and not recorder.is_timed(y):
            y = recorder.unfold_time(y, place)
        elif _is_time(b) and a and is_plain(a) and length(a) == recorder.steps and not recorder.is_timed(x):
            x = recorder.unfold_time(x, place)
        elif a and b and _outer(a) != _outer(b) and not (length(a) == 1 or length(b) == 1):
            raise CompileError("import.axes", f"combines {x} with {y}: time and batch do not meet")
    return x, y


def _is_time(dim: Dim) -> bool:
    return len(dim) == 1 and dim[0].kind == TIME


def _outer(dim: Dim) -> list[tuple[int, str]]:
    return [(place, axis.kind) for place, axis in enumerate(dim) if axis.kind != FEATURE]


def _lie_alike(recorder: Recorder, x: View, y: View) -> bool:
    """Whether two tensors have the same features in the same order on values of the same shape."""
    sizes = [[(axis.kind, axis.size) for axis in dim if axis.kind == FEATURE] for view in (x, y) for dim in view.dims]
    half = len(sizes) // 2
    return sizes[:half] == sizes[half:] and x.ranks == y.ranks and recorder.type(x).shape == recorder.type(y).shape


def _scale(recorder: Recorder, x: View, constant: Operand) -> View:
    """x times a number or an array."""
    number = _number(constant)
    if number is not None:
        return recorder.apply(Scale(number), x)
    assert isinstance(constant, torch.Tensor)
    x, stored, time = _fitted(recorder, x, constant, "weight")
    if time is None:
        return _broadcast(recorder, Scale(), x, {"weight": stored}, constant)
    if stored.array.size != recorder.steps:
        raise CompileError("import.time", "multiplies by a constant that varies over time and over features at once",
                           hint="multiply by the one and then by the other")  # fmt: skip
    return recorder.apply(TimeWeight(), x, {"weight": stored._replace(array=stored.array.reshape(-1))})


def _offset(recorder: Recorder, x: View, constant: Operand) -> View:
    """x plus a number or an array."""
    number = _number(constant)
    if number is not None:
        return recorder.apply(Offset(number), x)
    assert isinstance(constant, torch.Tensor)
    x, stored, time = _fitted(recorder, x, constant, "bias")
    if time is not None:
        raise CompileError(
            "import.time", "adds a constant that varies over time", hint="add the same constant at every step"
        )
    return _broadcast(recorder, Offset(), x, {"bias": stored}, constant)


def _broadcast(recorder: Recorder, op: Op, x: View, params: dict[str, Constant], constant: torch.Tensor) -> View:
    """The result of an operation with a constant: the constant may lengthen dimensions of length 1."""
    sizes = (*[1] * (len(x.dims) - constant.ndim), *constant.shape)
    dims = [dim or ((Axis(FEATURE, size),) if size > 1 else ()) for dim, size in zip(x.dims, sizes, strict=True)]
    return recorder.result(recorder.emit(op, x.value, params=params), dims)


def _number(constant: Operand) -> float | None:
    """The constant as a Python number if it is one, or one element without a name."""
    if isinstance(constant, (int, float)):
        return float(constant)
    if isinstance(constant, torch.Tensor) and constant.numel() == 1:
        return float(constant.detach())
    return None


def _fitted(recorder: Recorder, x: View, constant: torch.Tensor, role: str) -> tuple[View, Constant, int | None]:
    """The tensor in memory order, the constant shaped to broadcast against its IR value, and the dimension of time it varies on."""
    rank = max(len(x.dims), constant.ndim)
    x = recorder.in_order(x.with_dims((*[()] * (rank - len(x.dims)), *x.dims)))
    name, array = recorder.constant(constant, role)
    array = array.reshape((1,) * (rank - array.ndim) + array.shape)
    time = None
    for place, dim in enumerate(x.dims):
        array = _without_batch(array, place, dim, x)
        if array.shape[place] > 1 and _is_time(dim):
            time = place
    kept = tuple(array.shape[place] for place, dim in enumerate(x.dims) if place == time or not is_outer(dim))
    return x, Constant(name, array.reshape(kept)), time


def _without_batch(array: Array, place: int, dim: Dim, x: View) -> Array:
    """The constant with length 1 along a batch (or window) on which it does not vary; CompileError if it varies by sample."""
    if is_plain(dim) or array.shape[place] == 1:
        return array
    first = np.take(array, [0], axis=place)
    if np.array_equal(np.broadcast_to(first, array.shape), array):
        return first
    if not _is_time(dim):
        kind = BATCH if any(axis.kind == BATCH for axis in dim) else TIME
        raise CompileError("import.axes", f"combines {x} with a constant that varies along the {kind} axis")
    return array


def function(name: str, constant: float = 0.0) -> Callable[[Recorder, View], View]:
    """The rule of an elementwise function without arguments."""
    return lambda recorder, x: recorder.apply(Function(name, constant), x)


def power(recorder: Recorder, x: View, exponent: float) -> View:
    """x ** exponent with a number as the exponent."""
    if not isinstance(exponent, (int, float)):
        raise CompileError("import.power", "raises to a power that is not a number")
    op = {2: Function("square"), 0.5: Function("sqrt"), 1: Scale(1.0)}.get(exponent, Function("power", float(exponent)))
    return recorder.apply(op, x)


def clamp_min(recorder: Recorder, x: View, min: float | None = None, max: float | None = None) -> View:  # noqa: A002
    """At least `min`; an upper limit cannot be imported."""
    if max is not None or min is None:
        raise CompileError(
            "import.clamp", "cannot import a clamp with an upper limit", hint="clamp(min=...) alone can be"
        )
    return recorder.apply(Function("at_least", float(min)), x)


def relu(recorder: Recorder, x: View, inplace: bool = False) -> View:
    """At least 0."""
    return clamp_min(recorder, x, 0.0)


RULES = {
    "add": add,
    "__add__": add,
    "__radd__": add,
    "sub": subtract,
    "subtract": subtract,
    "__sub__": subtract,
    "__rsub__": subtract_from,
    "rsub": subtract_from,
    "mul": multiply,
    "multiply": multiply,
    "__mul__": multiply,
    "__rmul__": multiply,
    "div": divide,
    "divide": divide,
    "true_divide": divide,
    "__truediv__": divide,
    "__rtruediv__": divide_into,
    "__rdiv__": divide_into,
    "pow": power,
    "__pow__": power,
    "square": function("square"),
    "sqrt": function("sqrt"),
    "neg": function("negate"),
    "negative": function("negate"),
    "__neg__": function("negate"),
    "abs": function("absolute"),
    "__abs__": function("absolute"),
    "absolute": function("absolute"),
    "exp": function("exp"),
    "log": function("log"),
    "clamp": clamp_min,
    "clamp_min": clamp_min,
    "clip": clamp_min,
    "relu": relu,
}
"""Function name -> rule."""
