"""Sums and means over features and over the window, and the Euclidean length."""

from __future__ import annotations

from math import prod

import torch

from frontend.function_rules.views import sizes_of, wrapped
from frontend.recording.layout import BATCH, TIME, View, is_plain, is_time
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.ops import Function, Sum, TimeSum

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
    """The Euclidean length over some dimensions."""
    if p not in (2, 2.0, "fro"):
        raise CompileError("import.norm", f"cannot import the norm p={p}", hint="p=2 can be imported")
    squares = recorder.apply(Function("square"), x)
    return recorder.apply(Function("sqrt"), total(recorder, squares, dim, keepdim, dtype=dtype))


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
            raise CompileError(
                "import.axes", f"sums over the {kind} axis of {x}", hint="name the dimensions to sum over"
            )
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
        x = View(recorder.emit(TimeSum(1 / recorder.steps if mean else 1.0), x.value), x.dims)
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


RULES = {"sum": total, "mean": mean, "norm": norm, "linalg_vector_norm": vector_norm}
"""Function name -> rule."""
