"""
What networks end in: largest values and where they are, softmax, running sums, spread, lengths; over features or the window.

The largest of several spikes is an OR, which a chip has neurons for; everything else here is the host's.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from frontend.function_rules.arithmetic import divide, multiply
from frontend.function_rules.elementwise import clamp
from frontend.function_rules.reductions import norm, places_of, total
from frontend.function_rules.views import flatten, permute, reshape, wrapped
from frontend.recording.layout import View, is_outer, is_time
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.ops import Along, MaxPool, Reduce
from ir.ops.host.reduce import SINGLE, TIME

Dims = int | tuple[int, ...] | list[int] | None
Pair = tuple[View, View]


def reduced(recorder: Recorder, x: View, name: str, dim: Dims, keepdim: bool, constant: float = 0.0) -> View:
    """One of `ir.ops.host.reduce.REDUCTIONS` over some dimensions."""
    places = places_of(x, dim)
    if len(places) > 1 and name in SINGLE:
        raise CompileError("import.reduce", f"takes {name} over several dimensions at once", hint="name one dimension")
    x, axes = _axes(recorder, x, places)
    value = recorder.emit(Reduce(name, tuple(sorted(axes)), constant), x.value)
    dims = [() if place in places else axis for place, axis in enumerate(x.dims)]
    return View(value, tuple(axis for place, axis in enumerate(dims) if keepdim or place not in places))


def _axes(recorder: Recorder, x: View, places: list[int]) -> tuple[View, list[int]]:
    """The tensor on a value that has these dimensions as axes, and the axes."""
    features = [place for place in places if not is_time(x.dims[place])]
    times = [TIME] * (len(places) - len(features))
    if len(features) == 1:
        x, axis = recorder.axis_of(x, features[0])
        return x, [axis, *times]
    x = recorder.in_order(x) if features else x
    return x, [*(sum(not is_outer(dim) for dim in x.dims[:place]) for place in features), *times]


def largest(recorder: Recorder, x: View, dim: Dims = None, keepdim: bool = False) -> View:
    """amax."""
    places = places_of(x, dim)
    if recorder.type(x).domain.kind not in ("spike", "count") or any(is_time(x.dims[place]) for place in places):
        return reduced(recorder, x, "max", dim, keepdim)
    rest = [place for place in range(len(x.dims)) if place not in places]
    rows = recorder.in_order(flatten(recorder, permute(recorder, x, [*rest, *places]), len(rest), -1))
    window = rows.shape[-1]
    flat = reshape(recorder, rows, (*rows.shape[: _outer(rows)], -1, window))
    flat = recorder.in_order(flat)
    op = MaxPool((window,), (window,), (0,), (1,))
    pooled = recorder.result(recorder.emit(op, flat.value), (*flat.dims[:-1], ()))
    shape = [1 if place in places else size for place, size in enumerate(x.shape) if keepdim or place not in places]
    return reshape(recorder, pooled, shape)


def _outer(x: View) -> int:
    """How many dimensions of time and batch come first."""
    return next((place for place, dim in enumerate(x.dims) if not is_outer(dim)), len(x.dims))


def smallest(recorder: Recorder, x: View, dim: Dims = None, keepdim: bool = False) -> View:
    """amin."""
    return reduced(recorder, x, "min", dim, keepdim)


def maximum(recorder: Recorder, x: View, dim: object = None, keepdim: bool = False) -> View | Pair:
    """max: of everything, or (values, indices) along a dimension."""
    if dim is None:
        return largest(recorder, x)
    along = _one(dim)
    return largest(recorder, x, along, keepdim), reduced(recorder, x, "argmax_of_max", along, keepdim)


def minimum(recorder: Recorder, x: View, dim: object = None, keepdim: bool = False) -> View | Pair:
    """min: of everything, or (values, indices) along a dimension."""
    if dim is None:
        return smallest(recorder, x)
    along = _one(dim)
    return smallest(recorder, x, along, keepdim), reduced(recorder, x, "argmin_of_min", along, keepdim)


def _one(dim: object) -> int:
    if not isinstance(dim, int):
        raise CompileError("import.maximum", "takes the larger, or smaller, of two tensors", hint="use clamp(min=...)")
    return dim


def index_of(name: str) -> Callable[..., View]:
    """The rule of argmax or argmin."""

    def rule(recorder: Recorder, x: View, dim: int | None = None, keepdim: bool = False) -> View:
        return reduced(recorder, x, name, dim, keepdim)

    return rule


def log_sum_exp(recorder: Recorder, x: View, dim: Dims, keepdim: bool = False) -> View:
    """log sum exp x."""
    return reduced(recorder, x, "logsumexp", dim, keepdim)


def product(recorder: Recorder, x: View, dim: int | None = None, keepdim: bool = False) -> View:
    """The product of all elements along a dimension."""
    return reduced(recorder, x, "prod", dim, keepdim)


def spread(name: str) -> Callable[..., View]:
    """The rule of var or std."""

    def rule(
        recorder: Recorder,
        x: View,
        dim: Dims = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> View:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        return reduced(recorder, x, name, dim, keepdim, float(unbiased if correction is None else correction))

    return rule


def along(name: str) -> Callable[..., View]:
    """The rule of one of `ir.ops.host.reduce.ALONG`."""

    def rule(
        recorder: Recorder, x: View, dim: int | None = None, _stacklevel: int = 3, dtype: torch.dtype | None = None
    ) -> View:
        if dim is None or dtype not in (None, torch.float32):
            what = "without a dimension" if dim is None else f"in {dtype}"
            raise CompileError("import.along", f"cannot import {name} {what}", hint="name a dimension, stay in float32")
        (place,) = places_of(x, dim)
        x, axes = _axes(recorder, x, [place])
        return recorder.apply(Along(name, *axes), x)

    return rule


def normalize(recorder: Recorder, x: View, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: None = None) -> View:
    """x divided by its length, or by eps where that is larger."""
    length = clamp(recorder, norm(recorder, x, p, dim, keepdim=True), eps)
    return divide(recorder, x, length)


def cosine_similarity(recorder: Recorder, x1: View, x2: View, dim: int = 1, eps: float = 1e-8) -> View:
    """The cosine of the angle between two computed tensors, lengths below eps taken for eps."""
    x, y = (normalize(recorder, side, 2.0, wrapped(dim, len(side.dims)), eps) for side in (x1, x2))
    return total(recorder, multiply(recorder, x, y), dim)


RULES = {
    "amax": largest,
    "amin": smallest,
    "max": maximum,
    "min": minimum,
    "argmax": index_of("argmax"),
    "argmin": index_of("argmin"),
    "logsumexp": log_sum_exp,
    "prod": product,
    "var": spread("var"),
    "std": spread("std"),
    "softmax": along("softmax"),
    "log_softmax": along("log_softmax"),
    "cumsum": along("cumsum"),
    "cumprod": along("cumprod"),
    "normalize": normalize,
    "cosine_similarity": cosine_similarity,
}
"""Function name -> rule."""
