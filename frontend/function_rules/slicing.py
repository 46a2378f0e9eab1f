"""Functions that take a part of a tensor: of its features, or single steps of the window. The batch stays whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from types import EllipsisType
from typing import Any

import numpy as np
import torch

from frontend.function_rules.joining import cat, require_features, side_by_side
from frontend.function_rules.views import squeeze, unsqueeze, wrapped
from frontend.recording.broadcasting import combine
from frontend.recording.layout import FEATURE, Axis, View, is_time
from frontend.recording.moments import chosen
from frontend.recording.recorder import Recorder
from frontend.recording.steps import at_step, part_of_window
from ir.errors import CompileError
from ir.graph import Array
from ir.ops import Gather, Slice, Subtract

Index = int | slice | EllipsisType | torch.Tensor | list[int] | tuple[int, ...] | None
"""One item of an index, `x[item, ...]`."""


def slice_along(recorder: Recorder, x: View, dim: int, start: int, stop: int) -> View:
    """x[start:stop] along one torch dimension of features, or of time."""
    if (start, stop) == (0, x.shape[dim]):
        return x
    if is_time(x.dims[dim]) and start < stop:
        return steps_of(recorder, x, dim, range(start, stop))
    require_features(x, dim, "slices")
    whole = x
    x, axis = recorder.axis_of(x, dim)
    value = recorder.emit(Slice(axis, start, stop), x.value)
    memory = sorted(axis.place for axis in x.dims[dim])
    short = (Axis(FEATURE, stop - start, memory[0]),) if stop - start > 1 else ()
    return chosen(recorder, whole, dim, range(start, stop), View(value, (*x.dims[:dim], short, *x.dims[dim + 1 :])))


def take(recorder: Recorder, x: View, dim: int, index: Sequence[int]) -> View:
    """The elements of an index along one torch dimension of features, or of time, in its order."""
    dim = wrapped(dim, len(x.dims))
    index = tuple(k + x.shape[dim] if k < 0 else k for k in index)
    if not index:
        raise CompileError("import.index", f"takes no element of {x}")
    if index == tuple(range(index[0], index[0] + len(index))):
        return slice_along(recorder, x, dim, index[0], index[0] + len(index))
    if is_time(x.dims[dim]):
        return steps_of(recorder, x, dim, index)
    require_features(x, dim, "takes elements of")
    whole = x
    x, axis = recorder.axis_of(x, dim)
    memory = sorted(axis.place for axis in x.dims[dim])
    if not memory:  # of length 1, and repeated: the value has no place for the new axis yet
        x = recorder.in_order(x)
        dims = (*x.dims[:dim], (Axis(FEATURE, len(index)),), *x.dims[dim + 1 :])
        return recorder.result(recorder.emit(Gather(axis, index), x.value), dims)
    short = (Axis(FEATURE, len(index), memory[0]),) if len(index) > 1 else ()
    result = View(recorder.emit(Gather(axis, index), x.value), (*x.dims[:dim], short, *x.dims[dim + 1 :]))
    return chosen(recorder, whole, dim, index, result)


def index_select(recorder: Recorder, x: View, dim: int, index: torch.Tensor) -> View:
    """The elements of a constant index along `dim`."""
    if isinstance(index, View):
        raise CompileError("import.index", "chooses elements by computed numbers", hint="use a constant index")
    return take(recorder, x, wrapped(dim, len(x.dims)), [int(k) for k in index.reshape(-1)])


def steps_of(recorder: Recorder, x: View, dim: int, steps: Sequence[int]) -> View:
    """A part of the window: one step, or several side by side."""
    parts = part_of_window(recorder, x, dim, steps)
    if len(parts) == 1:
        return parts[0]
    return side_by_side(recorder, [at_step(recorder, part) for part in parts], dim)


def narrow(recorder: Recorder, x: View, dim: int, start: int, length: int) -> View:
    """x[start : start + length] along `dim`."""
    dim = wrapped(dim, len(x.dims))
    start = start + x.shape[dim] if start < 0 else start
    return slice_along(recorder, x, dim, start, start + length)


def select(recorder: Recorder, x: View, dim: int, index: int) -> View:
    """x[index] along `dim`, which goes away."""
    dim = wrapped(dim, len(x.dims))
    index = index + x.shape[dim] if index < 0 else index
    if is_time(x.dims[dim]):
        (x,) = part_of_window(recorder, x, dim, (index,))
        return x.with_dims((*x.dims[:dim], *x.dims[dim + 1 :]))
    require_features(x, dim, "takes one element of")
    return squeeze(recorder, slice_along(recorder, x, dim, index, index + 1), dim)


def split(recorder: Recorder, x: View, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[View, ...]:
    """Consecutive pieces along `dim`."""
    dim = wrapped(dim, len(x.dims))
    total, sections = x.shape[dim], split_size_or_sections
    sizes = (
        list(sections)
        if not isinstance(sections, int)
        else [min(sections, total - k) for k in range(0, total, sections)]
    )
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    return tuple(slice_along(recorder, x, dim, start, start + size) for start, size in zip(starts, sizes, strict=True))


def split_evenly(recorder: Recorder, x: View, chunks: int, dim: int = 0) -> tuple[View, ...]:
    """`chunks` pieces along `dim`, the last one shorter where it does not divide."""
    return split(recorder, x, -(-x.shape[dim] // chunks), dim)


def split_at(recorder: Recorder, x: View, indices_or_sections: Any, dim: int = 0) -> tuple[View, ...]:
    """Pieces between indices, or as many as a number says, the first ones longer where it does not divide."""
    dim, given = wrapped(dim, len(x.dims)), indices_or_sections
    if isinstance(given, int):
        small, more = divmod(x.shape[dim], given)
        return split(recorder, x, [small + (place < more) for place in range(given)], dim)
    ends = [0, *(int(index) for index in given), x.shape[dim]]
    return split(recorder, x, [after - before for before, after in pairwise(ends)], dim)


def differences(
    recorder: Recorder,
    x: View,
    n: int = 1,
    dim: int = -1,
    prepend: View | torch.Tensor | None = None,
    append: View | torch.Tensor | None = None,
) -> View:
    """x[k + 1] - x[k] along a dimension, n times; with zeros put before its steps, x less x one step late."""
    dim = wrapped(dim, len(x.dims))
    wide = [part for part in (prepend, x, append) if part is not None]
    y = cat(recorder, wide, dim) if len(wide) > 1 else x
    for _ in range(n):
        length = y.shape[dim]
        later, earlier = (slice_along(recorder, y, dim, start, start + length - 1) for start in (1, 0))
        y = combine(recorder, Subtract(), later, earlier)
    return y


def unbind(recorder: Recorder, x: View, dim: int = 0) -> tuple[View, ...]:
    """All elements along `dim`."""
    return tuple(select(recorder, x, dim, index) for index in range(x.shape[dim]))


def getitem(recorder: Recorder, x: View, index: Index | tuple[Index, ...]) -> View:
    """x[...] with integers, slices, None, an ellipsis, and one constant list, array or mask."""
    items = list(index) if isinstance(index, tuple) else [index]
    real = sum(item is not None and item is not Ellipsis for item in items)
    chosen = [_choice(item, x) for item in items]
    if sum(item is not None for item in chosen) > 1 or (any(chosen) and any(type(item) is int for item in items)):
        raise CompileError("import.index", f"indexes {x} in several dimensions at once", hint="index them one by one")
    items = [item if choice is None else choice for item, choice in zip(items, chosen, strict=True)]
    if Ellipsis not in [item if item is Ellipsis else None for item in items]:
        items.append(Ellipsis)
    place = [item is Ellipsis for item in items].index(True)
    items[place : place + 1] = [slice(None)] * (len(x.dims) - real)
    dim, step = 0, None
    for item in items:
        x, dim = _index_one(recorder, x, dim, item)
        step = x.step if step is None else step
    return replace(x, step=step)


def _index_one(recorder: Recorder, x: View, dim: int, item: Index) -> tuple[View, int]:
    """The tensor with one item of an index applied at `dim`, and the dimension of the next item."""
    if item is None:
        return unsqueeze(recorder, x, dim), dim + 1
    if isinstance(item, slice):
        return take(recorder, x, dim, range(*item.indices(x.shape[dim]))), dim + 1
    if isinstance(item, tuple):
        return take(recorder, x, dim, item), dim + 1
    if isinstance(item, int) and not isinstance(item, bool):
        return select(recorder, x, dim, item), dim
    raise CompileError(
        "import.index",
        f"cannot index {x} with {type(item).__name__} {item!r}",
        hint="integers, slices and constant lists of integers can be imported",
    )


def _choice(item: object, x: View) -> tuple[int, ...] | None:
    """The elements that a list, array or mask of one dimension chooses; None for other items of an index."""
    if isinstance(item, View):
        raise CompileError(
            "import.index", f"indexes {x} with computed numbers", hint="use constant indices, or torch.where"
        )
    if not isinstance(item, (list, torch.Tensor, np.ndarray)):
        return None
    index: Array = np.asarray(item)  # pyright: ignore[reportUnknownArgumentType]
    if index.ndim != 1 or index.dtype.kind not in "iub":
        return None
    return tuple(int(k) for k in (np.flatnonzero(index) if index.dtype.kind == "b" else index))


RULES = {
    "__getitem__": getitem,
    "narrow": narrow,
    "select": select,
    "index_select": index_select,
    "split": split,
    "chunk": split_evenly,
    "tensor_split": split_at,
    "diff": differences,
    "unbind": unbind,
}
"""Function name -> rule."""
