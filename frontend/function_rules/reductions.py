"""Sums and means over features and over the window, and the Euclidean length."""

from __future__ import annotations

from math import inf, prod

import torch

from frontend.function_rules.views import sizes_of, wrapped
from frontend.recording.layout import BATCH, TIME, View, is_outer, is_plain, is_time
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.ops import Function, Reduce, Sum, TimeSum
from ir.ops.host import reduce

Dims = int | tuple[int, ...] | list[int] | None


def total(
    recorder: Recorder, x: View, dim: Dims = None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> View:
    """The sum over some dimensions."""
    return _reduced(recorder, x, dim, keepdim, dtype, mean=False)


def mean(
    recorder: Recorder, x: View, dim: Dims = None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> View:
    """The mean over some dimensions."""
    return _reduced(recorder, x, dim, keepdim, dtype, mean=True)


def norm(
    recorder: Recorder,
    x: View,
    p: float | str = 2,
    dim: Dims = None,
    keepdim: bool = False,
    out: None = None,
    dtype: torch.dtype | None = None,
) -> View:
    """The length over some dimensions: Euclidean, or the norm of any other p."""
    if isinstance(p, str) and p != "fro":
        raise CompileError("import.norm", f"cannot import the norm p={p!r}", hint="a norm of numbers p can be imported")
    if p not in (2, "fro"):
        return _norm(recorder, x, float(p), dim, keepdim)
    squares = recorder.apply(Function("square"), x)
    return recorder.apply(Function("sqrt"), total(recorder, squares, dim, keepdim, dtype=dtype))


def _norm(recorder: Recorder, x: View, p: float, dim: Dims, keepdim: bool) -> View:
    """Any norm of numbers, as one operation of the host."""
    name = {inf: "norm_largest", -inf: "norm_smallest"}.get(p, "norm")
    return reduced(recorder, x, name, dim, keepdim, p if name == "norm" else 0.0)


def vector_norm(
    recorder: Recorder,
    x: View,
    ord: float = 2,  # noqa: A002
    dim: Dims = None,
    keepdim: bool = False,
) -> View:
    """torch.linalg.vector_norm."""
    return norm(recorder, x, ord, dim, keepdim)


def places_of(x: View, dim: Dims) -> list[int]:
    """The dimensions that are named (or all), each of features or of time; CompileError where one has the batch in it."""
    over_all = dim is None or (isinstance(dim, (tuple, list)) and not dim)
    dims = list(range(len(x.dims))) if over_all else [wrapped(place, len(x.dims)) for place in sizes_of((dim,))]
    for place in dims:
        if not is_plain(x.dims[place]) and not is_time(x.dims[place]):
            kind = next(axis.kind for axis in x.dims[place] if axis.kind in (BATCH, TIME))
            hint = (
                "name the dimensions to sum over"
                if over_all
                else "samples stay apart: what is of all of them is no output"
            )
            raise CompileError("import.axes", f"sums over the {kind} axis of {x}", hint=hint)
    return dims


def _reduced(recorder: Recorder, x: View, dim: Dims, keepdim: bool, dtype: torch.dtype | None, *, mean: bool) -> View:
    """The sum, or mean, over features first, then over time."""
    if dtype not in (None, recorder.dtype):
        raise CompileError("import.dtype", f"sums in {dtype}", hint=f"the network computes in {recorder.dtype}")
    dims = places_of(x, dim)
    over_time = [place for place in dims if is_time(x.dims[place])]
    plain = [place for place in dims if place not in over_time]
    x = _over_features(recorder, x, [place for place in plain if x.dims[place]], mean)
    for _ in over_time:
        x = View(recorder.emit(TimeSum(1 / recorder.window(x) if mean else 1.0), x.value), x.dims)
    return x.with_dims(
        () if place in dims else axes for place, axes in enumerate(x.dims) if keepdim or place not in dims
    )


def _over_features(recorder: Recorder, x: View, places: list[int], mean: bool) -> View:
    """The sum, or mean, over some dimensions of features, which become of length 1."""
    if not places:
        return x
    axes = [recorder.axis_of(x, place) for place in places]
    if any(view.value != x.value for view, _ in axes):  # some axis must be made first: take all of one value
        x = recorder.in_order(x)
        axes = [recorder.axis_of(x, place) for place in places]
    elements = prod(x.shape[place] for place in places)
    value = recorder.emit(Sum(tuple(sorted(axis for _, axis in axes)), 1 / elements if mean else 1.0), x.value)
    return View(value, tuple(() if place in places else dim for place, dim in enumerate(x.dims)))


def reduced(recorder: Recorder, x: View, name: str, dim: Dims, keepdim: bool, constant: float = 0.0) -> View:
    """One of `ir.ops.host.reduce.REDUCTIONS` over some dimensions."""
    places = places_of(x, dim)
    if len(places) > 1 and name in reduce.SINGLE:
        raise CompileError("import.reduce", f"takes {name} over several dimensions at once", hint="name one dimension")
    x, axes = axes_of(recorder, x, places)
    value = recorder.emit(Reduce(name, tuple(sorted(axes)), constant), x.value)
    dims = [() if place in places else axis for place, axis in enumerate(x.dims)]
    return View(value, tuple(axis for place, axis in enumerate(dims) if keepdim or place not in places))


def axes_of(recorder: Recorder, x: View, places: list[int]) -> tuple[View, list[int]]:
    """The tensor on a value that has these dimensions as axes, and the axes."""
    features = [place for place in places if not is_time(x.dims[place])]
    times = [reduce.TIME] * (len(places) - len(features))
    if len(features) == 1:
        x, axis = recorder.axis_of(x, features[0])
        return x, [axis, *times]
    x = recorder.in_order(x) if features else x
    return x, [*(sum(not is_outer(dim) for dim in x.dims[:place]) for place in features), *times]


RULES = {"sum": total, "mean": mean, "norm": norm, "linalg_vector_norm": vector_norm}
"""Function name -> rule."""
