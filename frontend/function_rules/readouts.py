"""
What networks end in: largest values and where they are, softmax, running sums, spread, lengths; over features or the window.

The largest of several spikes is an OR, which a chip has neurons for; everything else here is the host's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from frontend.function_rules.arithmetic import divide, multiply
from frontend.function_rules.elementwise import clamp
from frontend.function_rules.pairs import check_spikes, larger, leading, smaller
from frontend.function_rules.reductions import Dims, axes_of, mean, norm, places_of, reduced, total
from frontend.function_rules.views import flatten, permute, reshape, wrapped
from frontend.recording.layout import FEATURE, Axis, View, is_time
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.ops import Along, MaxPool, Scale, TopK
from ir.ops.host.reduce import TIME

Pair = tuple[View, View]


def largest(recorder: Recorder, x: View, dim: Dims = None, keepdim: bool = False) -> View:
    """amax."""
    places = places_of(x, dim)
    if recorder.type(x).domain.kind not in ("spike", "count") or any(is_time(x.dims[place]) for place in places):
        return reduced(recorder, x, "max", dim, keepdim)
    rest = [place for place in range(len(x.dims)) if place not in places]
    rows = recorder.in_order(flatten(recorder, permute(recorder, x, [*rest, *places]), len(rest), -1))
    window = rows.shape[-1]
    flat = reshape(recorder, rows, (*rows.shape[: leading(rows)], -1, window))
    flat = recorder.in_order(flat)
    op = MaxPool((window,), (window,), (0,), (1,))
    pooled = recorder.result(recorder.emit(op, flat.value), (*flat.dims[:-1], ()))
    shape = [1 if place in places else size for place, size in enumerate(x.shape) if keepdim or place not in places]
    return reshape(recorder, pooled, shape)


def any_of(recorder: Recorder, x: View, dim: Dims = None, keepdim: bool = False) -> View:
    """any: whether one of several neurons, or steps, has a spike."""
    check_spikes(recorder, x, "any")
    return largest(recorder, x, dim, keepdim)


def all_of(recorder: Recorder, x: View, dim: Dims = None, keepdim: bool = False) -> View:
    """all: whether each of several neurons, or steps, has a spike."""
    check_spikes(recorder, x, "all")
    return smallest(recorder, x, dim, keepdim)


def count_of(recorder: Recorder, x: View, dim: Dims = None) -> View:
    """count_nonzero: how many of several neurons, or steps, have a spike."""
    check_spikes(recorder, x, "count_nonzero")
    return total(recorder, x, dim)


def smallest(recorder: Recorder, x: View, dim: Dims = None, keepdim: bool = False) -> View:
    """amin."""
    return reduced(recorder, x, "min", dim, keepdim)


def maximum(recorder: Recorder, x: View, dim: Any = None, keepdim: bool = False, **named: Any) -> View | Pair:
    """max: of everything, (values, indices) along a dimension, or the larger of two tensors."""
    other = named.get("other", dim)
    if other is None:
        return largest(recorder, x)
    if not isinstance(other, int):
        return larger(recorder, x, other)
    return largest(recorder, x, other, keepdim), reduced(recorder, x, "argmax_of_max", other, keepdim)


def minimum(recorder: Recorder, x: View, dim: Any = None, keepdim: bool = False, **named: Any) -> View | Pair:
    """min: of everything, (values, indices) along a dimension, or the smaller of two tensors."""
    other = named.get("other", dim)
    if other is None:
        return smallest(recorder, x)
    if not isinstance(other, int):
        return smaller(recorder, x, other)
    return smallest(recorder, x, other, keepdim), reduced(recorder, x, "argmin_of_min", other, keepdim)


def top(
    recorder: Recorder,
    x: View,
    k: int,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,  # noqa: A002
) -> Pair:
    """topk: (values, indices) of the k largest, or smallest, along a dimension."""
    place = wrapped(dim, len(x.dims))
    x, (axis,) = axes_of(recorder, x, places_of(x, place))
    if axis == TIME:
        raise CompileError("import.topk", "takes the largest steps of the window", hint="take their maximum over time")
    memory = [piece.place for piece in x.dims[place]]
    short = (Axis(FEATURE, k, min(memory)),) if k > 1 else ()
    dims = (*x.dims[:place], short, *x.dims[place + 1 :])
    parts = [recorder.emit(TopK(k, axis, largest, sorted, part), x.value) for part in ("values", "indices")]
    return View(parts[0], dims), View(parts[1], dims)


def ordered(recorder: Recorder, x: View, dim: int = -1, descending: bool = False, stable: bool = False) -> Pair:
    """sort: (values, indices), the smallest first, or the largest."""
    if stable:
        raise CompileError("import.along", "sorts with equal elements in order", hint="leave stable=True out")
    end = "_descending" if descending else ""
    values, indices = (along(f"{name}{end}")(recorder, x, dim) for name in ("sort", "argsort"))
    return values, indices


def order_of(recorder: Recorder, x: View, dim: int = -1, descending: bool = False, stable: bool = False) -> View:
    """argsort: the indices of `sort`."""
    return ordered(recorder, x, dim, descending, stable)[1]


def spread_and_mean(name: str) -> Callable[..., Pair]:
    """The rule of var_mean or std_mean."""

    def rule(recorder: Recorder, x: View, dim: Dims = None, *arguments: Any, **options: Any) -> Pair:
        keepdim = bool(options.get("keepdim", arguments[1] if len(arguments) > 1 else False))
        return spread(name)(recorder, x, dim, *arguments, **options), mean(recorder, x, dim, keepdim)

    return rule


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
        x, axes = axes_of(recorder, x, [place])
        return recorder.apply(Along(name, *axes), x)

    return rule


def softmin(recorder: Recorder, x: View, dim: int | None = None, *arguments: Any, **options: Any) -> View:
    """The softmax of -x."""
    return along("softmax")(recorder, recorder.apply(Scale(-1.0), x), dim, *arguments, **options)


def normalize(recorder: Recorder, x: View, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: None = None) -> View:
    """x divided by its length, or by eps where that is larger."""
    length = clamp(recorder, norm(recorder, x, p, dim, keepdim=True), eps)
    return divide(recorder, x, length)


def cosine_similarity(recorder: Recorder, x1: View, x2: View, dim: int = 1, eps: float = 1e-8) -> View:
    """The cosine of the angle between two computed tensors, lengths below eps taken for eps."""
    x, y = (normalize(recorder, side, 2.0, wrapped(dim, len(side.dims)), eps) for side in (x1, x2))
    return total(recorder, multiply(recorder, x, y), dim)


RULES = {
    "topk": top,
    "sort": ordered,
    "argsort": order_of,
    "var_mean": spread_and_mean("var"),
    "std_mean": spread_and_mean("std"),
    "amax": largest,
    "amin": smallest,
    "any": any_of,
    "all": all_of,
    "count_nonzero": count_of,
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
    "logcumsumexp": along("logcumsumexp"),
    "softmin": softmin,
    "normalize": normalize,
    "cosine_similarity": cosine_similarity,
}
"""Function name -> rule."""
