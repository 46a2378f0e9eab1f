"""Functions that slice, join and repeat features. Time and batch stay whole: slicing them is an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import EllipsisType

import numpy as np
import torch

from frontend.function_rules.arithmetic import constant_like
from frontend.function_rules.views import sizes_of, squeeze, unsqueeze, wrapped
from frontend.recording.layout import FEATURE, Axis, View, is_outer, is_plain, is_time
from frontend.recording.recorder import Recorder
from frontend.recording.steps import at_step, part_of_window
from ir.errors import CompileError
from ir.graph import Array
from ir.ops import Concat, Gather, Slice

Index = int | slice | EllipsisType | torch.Tensor | list[int] | tuple[int, ...] | None
"""One item of an index, `x[item, ...]`."""


def slice_along(recorder: Recorder, x: View, dim: int, start: int, stop: int) -> View:
    """x[start:stop] along one torch dimension of features, or of time."""
    if (start, stop) == (0, x.shape[dim]):
        return x
    if is_time(x.dims[dim]) and start < stop:
        return _steps(recorder, x, dim, range(start, stop))
    require_features(x, dim, "slices")
    x, axis = recorder.axis_of(x, dim)
    value = recorder.emit(Slice(axis, start, stop), x.value)
    memory = sorted(axis.place for axis in x.dims[dim])
    short = (Axis(FEATURE, stop - start, memory[0]),) if stop - start > 1 else ()
    return View(value, (*x.dims[:dim], short, *x.dims[dim + 1 :]))


def take(recorder: Recorder, x: View, dim: int, index: Sequence[int]) -> View:
    """The elements of an index along one torch dimension of features, or of time, in its order."""
    dim = wrapped(dim, len(x.dims))
    index = tuple(k + x.shape[dim] if k < 0 else k for k in index)
    if not index:
        raise CompileError("import.index", f"takes no element of {x}")
    if index == tuple(range(index[0], index[0] + len(index))):
        return slice_along(recorder, x, dim, index[0], index[0] + len(index))
    if is_time(x.dims[dim]):
        return _steps(recorder, x, dim, index)
    require_features(x, dim, "takes elements of")
    x, axis = recorder.axis_of(x, dim)
    memory = sorted(axis.place for axis in x.dims[dim])
    if not memory:  # of length 1, and repeated: the value has no place for the new axis yet
        x = recorder.in_order(x)
        dims = (*x.dims[:dim], (Axis(FEATURE, len(index)),), *x.dims[dim + 1 :])
        return recorder.result(recorder.emit(Gather(axis, index), x.value), dims)
    short = (Axis(FEATURE, len(index), memory[0]),) if len(index) > 1 else ()
    return View(recorder.emit(Gather(axis, index), x.value), (*x.dims[:dim], short, *x.dims[dim + 1 :]))


def index_select(recorder: Recorder, x: View, dim: int, index: torch.Tensor) -> View:
    """The elements of a constant index along `dim`."""
    if isinstance(index, View):
        raise CompileError("import.index", "chooses elements by computed numbers", hint="use a constant index")
    return take(recorder, x, wrapped(dim, len(x.dims)), [int(k) for k in index.reshape(-1)])


def _steps(recorder: Recorder, x: View, dim: int, steps: Sequence[int]) -> View:
    """A part of the window: one step, or several side by side."""
    parts = part_of_window(recorder, x, dim, steps)
    return parts[0] if len(parts) == 1 else cat(recorder, [at_step(recorder, part) for part in parts], dim)


def require_features(x: View, dim: int, what: str) -> None:
    """CompileError where a dimension holds time or batch."""
    if not is_plain(x.dims[dim]):
        kind = next(axis.kind for axis in x.dims[dim] if axis.kind != FEATURE)
        raise CompileError("import.axes", f"{what} the {kind} axis of {x}")


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
        raise CompileError("import.index", f"indexes {x} with computed numbers", hint="use constant indices")
    if not isinstance(item, (list, torch.Tensor, np.ndarray)):
        return None
    index: Array = np.asarray(item)  # pyright: ignore[reportUnknownArgumentType]
    if index.ndim != 1 or index.dtype.kind not in "iub":
        return None
    return tuple(int(k) for k in (np.flatnonzero(index) if index.dtype.kind == "b" else index))


def cat(recorder: Recorder, tensors: Sequence[View | torch.Tensor], dim: int = 0) -> View:
    """Tensors one after another along a dimension of features."""
    views = [tensor for tensor in tensors if isinstance(tensor, View)]
    if len(views) < len(tensors):
        raise CompileError("import.constant", "joins a constant to a computed tensor")
    dim = wrapped(dim, len(views[0].dims))
    for view in views:
        require_features(view, dim, "joins along")
    if len(views) == 1:
        return views[0]
    ordered = [recorder.in_order(view) for view in views]
    axis = sum(not is_outer(other) for other in ordered[0].dims[:dim])
    value = recorder.emit(Concat(axis), *(view.value for view in ordered))
    joined = (Axis(FEATURE, sum(view.shape[dim] for view in ordered)),)
    widest = max(ordered, key=recorder.is_timed)
    return recorder.result(value, (*widest.dims[:dim], joined, *widest.dims[dim + 1 :]))


def stack(recorder: Recorder, tensors: Sequence[View | torch.Tensor], dim: int = 0) -> View:
    """Tensors side by side along a new dimension; T times the same static one in front is that one at every step."""
    like = next(tensor for tensor in tensors if isinstance(tensor, View))
    tensors = [view if isinstance(view, View) else constant_like(recorder, like, view) for view in tensors]
    same = len(tensors) == recorder.steps and len(set(tensors)) == 1
    if same and dim == 0 and not recorder.is_timed(tensors[0]):
        return recorder.repeat(tensors[0])
    return cat(recorder, [unsqueeze(recorder, tensor, dim) for tensor in tensors], dim)


def repeat(recorder: Recorder, x: View, *repeats: object) -> View:
    """The tensor tiled. A static one tiled T times in front of everything is that one at every step."""
    counts = sizes_of(repeats)
    x = _leading(x, len(counts))
    if _makes_time(recorder, x, counts[0]):
        return repeat(recorder, recorder.repeat(x.with_dims(x.dims[1:])), (1, *counts[1:]))
    for dim, count in enumerate(counts):
        x = cat(recorder, [x] * count, dim) if count != 1 and x.dims[dim] else x
    return recorder.expand(
        x, tuple(count if not dim else size for dim, size, count in zip(x.dims, x.shape, counts, strict=True))
    )


def expand(recorder: Recorder, x: View, *sizes: object) -> View:
    """Dimensions of length 1 repeated. A static one expanded T times in front of everything is that one at every step."""
    target = sizes_of(sizes)
    x = _leading(x, len(target))
    if _makes_time(recorder, x, target[0]):
        return expand(recorder, recorder.repeat(x.with_dims(x.dims[1:])), (-1, *target[1:]))
    return recorder.expand(x, tuple(old if new == -1 else new for old, new in zip(x.shape, target, strict=True)))


def _leading(x: View, rank: int) -> View:
    """The tensor with as many dimensions as `rank`, those of length 1 put in front."""
    return x.with_dims((*[()] * (rank - len(x.dims)), *x.dims))


def _makes_time(recorder: Recorder, x: View, count: int) -> bool:
    """Whether `count` copies of a tensor, in front of everything, are its value at every step."""
    return not recorder.is_timed(x) and not x.dims[0] and count == recorder.steps and count > 1


def expand_as(recorder: Recorder, x: View, other: View | torch.Tensor) -> View:
    """Expanded to another tensor's shape."""
    return expand(recorder, x, tuple(other.shape))


RULES = {
    "__getitem__": getitem,
    "narrow": narrow,
    "select": select,
    "index_select": index_select,
    "split": split,
    "chunk": split_evenly,
    "unbind": unbind,
    "cat": cat,
    "concat": cat,
    "concatenate": cat,
    "stack": stack,
    "repeat": repeat,
    "expand": expand,
    "expand_as": expand_as,
    "broadcast_to": expand,
}
"""Function name -> rule."""
