"""
Sums, differences, products, quotients, and sums with one of these: of computed tensors and constants, not of constants alone.

Constants are numbers, arrays that broadcast over features, over steps, or over both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from frontend.recording.broadcasting import combine
from frontend.recording.layout import BATCH, FEATURE, TIME, Axis, Dim, View, is_outer, is_plain, is_time
from frontend.recording.recorder import Constant, Recorder
from ir.errors import CompileError
from ir.graph import Array
from ir.ops import Add, Divide, Function, Mul, Not, Offset, Op, Scale, Subtract, TimeOffset, TimeWeight
from ir.types import SPIKE

Operand = View | torch.Tensor | float | int


def add(recorder: Recorder, x: Operand, y: Operand, alpha: float = 1) -> View:
    """x + alpha y."""
    y = times(recorder, y, alpha)
    return _binary(recorder, x, y, Add(), partial(offset, recorder))


def subtract(recorder: Recorder, x: Operand, y: Operand, alpha: float = 1) -> View:
    """x - alpha y; a constant is added with the other sign, which rounds alike."""
    y = times(recorder, y, alpha)
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
    return _binary(recorder, x, y, Divide(), partial(_divide_constant, recorder))


def divide_into(recorder: Recorder, x: Operand, y: Operand) -> View:
    """y / x, as Python calls it for `constant / x`."""
    return divide(recorder, y, x)


def _divide_constant(recorder: Recorder, x: View, constant: Operand) -> View:
    """constant / x."""
    return scale(recorder, recorder.apply(Function("power", -1.0), x), constant)


def addcmul(recorder: Recorder, x: Operand, tensor1: Operand, tensor2: Operand, *, value: float = 1) -> View:
    """x + value tensor1 tensor2."""
    return add(recorder, x, times(recorder, times(recorder, tensor1, value), tensor2))


def addcdiv(recorder: Recorder, x: Operand, tensor1: Operand, tensor2: Operand, *, value: float = 1) -> View:
    """x + value tensor1 / tensor2."""
    dividend = times(recorder, tensor1, value)
    if isinstance(dividend, View) or isinstance(tensor2, View):
        return add(recorder, x, divide(recorder, dividend, tensor2))
    return add(recorder, x, dividend / tensor2)


def lerp(recorder: Recorder, x: Operand, end: Operand, weight: Operand) -> View:
    """x + weight (end - x), computed from the end where that is the nearer one, as torch does."""
    whole = subtract(recorder, end, x) if isinstance(x, View) or isinstance(end, View) else end - x
    if isinstance(weight, View) or not bool((torch.as_tensor(weight) >= 0.5).all()):
        return add(recorder, x, times(recorder, whole, weight))
    return subtract(recorder, end, times(recorder, whole, 1 - weight))


def times(recorder: Recorder, x: Operand, y: Operand) -> Operand:
    """x y, of two constants, too."""
    if isinstance(y, (int, float)) and y == 1:
        return x
    if isinstance(x, View) or isinstance(y, View):
        return multiply(recorder, x, y)
    return x * y


def _subtract_from_constant(recorder: Recorder, x: View, constant: Operand) -> View:
    """constant - x: NOT where 1 - x is asked of spikes, else -x plus the constant, which rounds alike."""
    if recorder.type(x).domain == SPIKE and _is_one(constant, x.shape):
        return recorder.apply(Not(), x)
    return offset(recorder, recorder.apply(Scale(-1.0), x), constant)


def _binary(recorder: Recorder, x: Operand, y: Operand, op: Op, constant_rule: Callable[[View, Operand], View]) -> View:
    """`op` on two traced tensors, or `constant_rule` on the one that is traced and the constant."""
    if isinstance(x, View) and isinstance(y, View):
        return combine(recorder, op, x, y)
    view, constant = (x, y) if isinstance(x, View) else (y, x)
    assert isinstance(view, View)
    return constant_rule(view, constant)


def _is_one(constant: Operand, shape: tuple[int, ...]) -> bool:
    """Whether a constant is 1 at every element of a tensor of `shape`, and makes it no longer."""
    if not isinstance(constant, torch.Tensor):
        return constant == 1
    return bool((constant == 1).all()) and (constant.numel() == 1 or tuple(constant.shape) == shape)


def scale(recorder: Recorder, x: View, constant: Operand) -> View:
    """x times a number or an array."""
    number = number_of(constant)
    if number is not None:
        return recorder.apply(Scale(number), x)
    constant = _tensor(constant)
    x, stored, time = _fitted(recorder, x, constant, "weight")
    if time is None:
        return _broadcast(recorder, Scale(), x, {"weight": stored}, constant)
    return _of_steps(recorder, TimeWeight(), x, "weight", stored, time, constant)


def offset(recorder: Recorder, x: View, constant: Operand) -> View:
    """x plus a number or an array; spikes plus 0, as Python's `sum` begins, stay spikes."""
    number = number_of(constant)
    if number == 0:
        return x
    if number is not None:
        return recorder.apply(Offset(number), x)
    constant = _tensor(constant)
    x, stored, time = _fitted(recorder, x, constant, "bias")
    if time is None:
        return _broadcast(recorder, Offset(), x, {"bias": stored}, constant)
    return _of_steps(recorder, TimeOffset(), x, "bias", stored, time, constant)


def _of_steps(
    recorder: Recorder, op: Op, x: View, role: str, stored: Constant, time: int, constant: torch.Tensor
) -> View:
    """The result of an operation with constants of steps: axis `time` comes first, others only where features differ."""
    shape = tuple(int(size) for size in np.broadcast_shapes(x.shape, tuple(constant.shape)))
    rows = np.ascontiguousarray(np.moveaxis(stored.array, time, 0))
    rows = rows.reshape(-1) if rows.size == len(rows) else rows
    return recorder.apply(op, recorder.expand(x, shape), {role: stored._replace(array=rows)})


def _broadcast(recorder: Recorder, op: Op, x: View, params: dict[str, Constant], constant: torch.Tensor) -> View:
    """The result of an operation with a constant: the constant may lengthen dimensions of length 1."""
    sizes = (*[1] * (len(x.dims) - constant.ndim), *constant.shape)
    dims = [dim or ((Axis(FEATURE, size),) if size > 1 else ()) for dim, size in zip(x.dims, sizes, strict=True)]
    return recorder.result(recorder.emit(op, x.value, params=params), dims)


def number_of(constant: object) -> float | None:
    """The constant as a Python number if it is one, or one element without a name."""
    if isinstance(constant, (int, float, np.number)):
        return float(constant)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(constant, torch.Tensor) and constant.numel() == 1:
        return float(constant.detach())
    return None


def _tensor(constant: Operand) -> torch.Tensor:
    """The constant, which is no number; CompileError where it is no tensor either."""
    if not isinstance(constant, torch.Tensor):
        raise CompileError(
            "import.constant",
            f"cannot import a constant of type {type(constant).__name__}",
            hint="use a Python number or a tensor",
        )
    return constant


def _fitted(recorder: Recorder, x: View, constant: torch.Tensor, role: str) -> tuple[View, Constant, int | None]:
    """The tensor in memory order, the constant shaped for its IR value, and its axis on which it varies with time."""
    rank = max(len(x.dims), constant.ndim)
    x = recorder.in_order(x.with_dims((*[()] * (rank - len(x.dims)), *x.dims)))
    name, array = recorder.constant(constant, role)
    array = array.reshape((1,) * (rank - array.ndim) + array.shape)
    time = None
    for place, dim in enumerate(x.dims):
        array = _without_batch(array, place, dim, x)
        if array.shape[place] > 1 and is_time(dim):
            time = place
    kept = [place for place, dim in enumerate(x.dims) if place == time or not is_outer(dim)]
    array = array.reshape(tuple(array.shape[place] for place in kept))
    return x, Constant(name, array), None if time is None else kept.index(time)


def _without_batch(array: Array, place: int, dim: Dim, x: View) -> Array:
    """The constant with length 1 along a batch (or window) on which it does not vary; CompileError if it varies by sample."""
    if is_plain(dim) or array.shape[place] == 1:
        return array
    first = np.take(array, [0], axis=place)
    if np.array_equal(np.broadcast_to(first, array.shape), array):
        return first
    if not is_time(dim):
        kind = BATCH if any(axis.kind == BATCH for axis in dim) else TIME
        raise CompileError("import.axes", f"combines {x} with a constant that varies along the {kind} axis")
    return array


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
    "addcmul": addcmul,
    "addcdiv": addcdiv,
    "lerp": lerp,
}
"""Function name -> rule."""
