"""Elementwise operations on two computed tensors, broadcast as torch broadcasts: time meets time, batch meets batch."""

from __future__ import annotations

from math import prod

from frontend.recording.layout import FEATURE, TIME, Dim, View, is_outer, is_plain, is_time, length
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.ops import Add, AtStep, Expand, Op


def combine(recorder: Recorder, op: Op, x: View, y: View) -> View:
    """The result of an elementwise operation on two tensors."""
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


def in_step(recorder: Recorder, x: View, y: View) -> tuple[View, View]:
    """Both tensors with as many dimensions, and time where the other has time. CompileError where batch or time differ."""
    rank = max(len(x.dims), len(y.dims))
    x, y = (view.with_dims((*[()] * (rank - len(view.dims)), *view.dims)) for view in (x, y))
    for place in range(rank):
        a, b = x.dims[place], y.dims[place]
        if is_time(a) and b and is_plain(b) and length(b) == length(a) and not recorder.is_timed(y):
            y = recorder.unfold_time(y, place)
        elif is_time(b) and a and is_plain(a) and length(a) == length(b) and not recorder.is_timed(x):
            x = recorder.unfold_time(x, place)
        elif is_time(a) and is_time(b) and length(a) != length(b):
            x, y = (_at_its_step(recorder, view, place) if view.shape[place] == 1 else view for view in (x, y))
        elif a and b and _outer(a) != _outer(b) and not (length(a) == 1 or length(b) == 1):
            raise CompileError("import.axes", f"combines {x} with {y}: time and batch do not meet")
    if recorder.is_timed(x) and recorder.is_timed(y) and _time_place(x) != _time_place(y):
        raise CompileError("import.axes", f"combines {x} with {y}: they change in time along different dimensions")
    return x, y


def _time_place(view: View) -> int:
    """The dimension that holds the time axis."""
    return next(place for place, dim in enumerate(view.dims) if any(axis.kind == TIME for axis in dim))


def _at_its_step(recorder: Recorder, view: View, place: int) -> View:
    """A window of one step as the value at that step, which meets those of a longer window."""
    return View(recorder.emit(AtStep(0), view.value), (*view.dims[:place], (), *view.dims[place + 1 :]))


def _outer(dim: Dim) -> list[tuple[int, str]]:
    """Where time and batch lie in a dimension."""
    return [(place, axis.kind) for place, axis in enumerate(dim) if axis.kind != FEATURE]


def _lie_alike(recorder: Recorder, x: View, y: View) -> bool:
    """Whether two tensors have the same features in the same order on values of the same shape."""
    sizes = [[(axis.kind, axis.size) for axis in dim if axis.kind == FEATURE] for view in (x, y) for dim in view.dims]
    half = len(sizes) // 2
    return sizes[:half] == sizes[half:] and x.ranks == y.ranks and recorder.type(x).shape == recorder.type(y).shape


def _widened(recorder: Recorder, value: str, dims: list[Dim], drop: frozenset[int]) -> str:
    """A value with its axes of length 1 repeated to what `dims` have; `drop`: dimensions without an axis."""
    shape = tuple(prod(a.size for a in dim if a.kind == FEATURE) for place, dim in enumerate(dims) if place not in drop)
    return value if recorder.type(View(value, ())).shape == shape else recorder.emit(Expand(shape), value)
