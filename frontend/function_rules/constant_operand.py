"""A computed tensor times or plus a constant: numbers, arrays that broadcast over features, one weight per step."""

from __future__ import annotations

import numpy as np
import torch

from frontend.tracing.layout import BATCH, FEATURE, TIME, Axis, Dim, View, is_outer, is_plain, is_time
from frontend.tracing.recorder import Constant, Recorder
from ir.errors import CompileError
from ir.graph import Array
from ir.ops import Offset, Op, Scale, TimeWeight

Operand = View | torch.Tensor | float | int


def scale(recorder: Recorder, x: View, constant: Operand) -> View:
    """x times a number or an array."""
    number = _number(constant)
    if number is not None:
        return recorder.apply(Scale(number), x)
    assert isinstance(constant, torch.Tensor)
    x, stored, time = _fitted(recorder, x, constant, "weight")
    if time is None:
        return _broadcast(recorder, Scale(), x, {"weight": stored}, constant)
    if stored.array.size != recorder.steps:
        raise CompileError(
            "import.time",
            "multiplies by a constant that varies over time and over features at once",
            hint="multiply by the one and then by the other",
        )
    return recorder.apply(TimeWeight(), x, {"weight": stored._replace(array=stored.array.reshape(-1))})


def offset(recorder: Recorder, x: View, constant: Operand) -> View:
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
    """The tensor in memory order, the constant shaped for its IR value, and the dimension of time on which it varies."""
    rank = max(len(x.dims), constant.ndim)
    x = recorder.in_order(x.with_dims((*[()] * (rank - len(x.dims)), *x.dims)))
    name, array = recorder.constant(constant, role)
    array = array.reshape((1,) * (rank - array.ndim) + array.shape)
    time = None
    for place, dim in enumerate(x.dims):
        array = _without_batch(array, place, dim, x)
        if array.shape[place] > 1 and is_time(dim):
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
    if not is_time(dim):
        kind = BATCH if any(axis.kind == BATCH for axis in dim) else TIME
        raise CompileError("import.axes", f"combines {x} with a constant that varies along the {kind} axis")
    return array
