"""Functions that put tensors side by side, pad, and repeat them: features, or steps of one value. The batch stays whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from frontend.function_rules.arithmetic import offset
from frontend.function_rules.views import sizes_of, unsqueeze, wrapped
from frontend.recording.layout import BATCH, FEATURE, Axis, View, is_outer, is_plain, is_time, length
from frontend.recording.moments import Moments, moments, noted
from frontend.recording.recorder import Recorder
from frontend.recording.steps import at_step, part_of_window
from ir.errors import CompileError
from ir.ops import Concat, Pad


def require_features(x: View, dim: int, what: str) -> None:
    """CompileError where a dimension holds time or batch."""
    if not is_plain(x.dims[dim]):
        kind = next(axis.kind for axis in x.dims[dim] if axis.kind != FEATURE)
        raise CompileError("import.axes", f"{what} the {kind} axis of {x}")


def cat(recorder: Recorder, tensors: Sequence[View | torch.Tensor], dim: int = 0) -> View:
    """
    Tensors one after another along a dimension of features, or steps of one value; zeros are padding, constants are added.

    T times the same static one, along its batch, is that one at every step.
    """
    views = [tensor for tensor in tensors if isinstance(tensor, View)]
    dim = wrapped(dim, len(views[0].dims))
    if views[0].dims[dim] and _are_copies(views[0], tensors):
        timed = _over_time(recorder, views[0], dim, len(tensors))
        if timed is not None:
            return timed
    if len(views) == len(tensors):
        return side_by_side(recorder, views, dim)
    joined = _with_zeros(recorder, tensors, dim)
    constants = [torch.zeros(each.shape) if isinstance(each, View) else each.detach() for each in tensors]
    return offset(recorder, joined, torch.cat(constants, dim)) if any(map(torch.any, constants)) else joined


def _with_zeros(recorder: Recorder, tensors: Sequence[View | torch.Tensor], dim: int) -> View:
    """Computed tensors side by side, with zeros in place of the constants before, between and behind them."""
    padded: list[View] = []
    zeros = 0
    for tensor in tensors:
        if isinstance(tensor, View):
            padded.append(pad_one(recorder, tensor, dim, zeros, 0) if zeros else tensor)
            zeros = 0
        else:
            zeros += tensor.shape[dim]
    last = pad_one(recorder, padded[-1], dim, 0, zeros) if zeros else padded[-1]
    return side_by_side(recorder, [*padded[:-1], last], dim)


def pad_one(recorder: Recorder, x: View, dim: int, before: int, after: int) -> View:
    """Zeros before and behind the elements of a dimension of features, or around the window."""
    held = moments(recorder, x, dim)
    if is_time(x.dims[dim]):
        steps = range(recorder.window(x))
        held = Moments(x, tuple(steps))
        x = _concatenated(recorder, [at_step(recorder, step) for step in part_of_window(recorder, x, dim, steps)], dim)
    require_features(x, dim, "pads")
    x = recorder.in_order(x)
    axis = sum(not is_outer(other) for other in x.dims[:dim])
    value = recorder.emit(Pad(axis, before, after), x.value)
    longer = (Axis(FEATURE, x.shape[dim] + before + after),)
    padded = recorder.result(value, (*x.dims[:dim], longer, *x.dims[dim + 1 :]))
    return noted(recorder, padded, dim, [before, held, after])


def side_by_side(recorder: Recorder, views: Sequence[View], dim: int) -> View:
    """Computed tensors along a dimension of features, or of steps."""
    held = [moments(recorder, view, dim) for view in views]
    return noted(recorder, _concatenated(recorder, views, dim), dim, held)


def _concatenated(recorder: Recorder, views: Sequence[View], dim: int) -> View:
    if len(views) == 1:
        return views[0]
    for view in views:
        require_features(view, dim, "joins along")
    if any(len({is_time(axes) for axes in place if axes}) > 1 for place in zip(*(v.dims for v in views), strict=True)):
        raise CompileError("import.axes", f"joins {' and '.join(map(str, views))}: steps and features do not meet")
    ordered = [recorder.in_order(view) for view in views]
    axis = sum(not is_outer(other) for other in ordered[0].dims[:dim])
    value = recorder.emit(Concat(axis), *(view.value for view in ordered))
    joined = (Axis(FEATURE, sum(view.shape[dim] for view in ordered)),)
    widest = max(ordered, key=recorder.is_timed)
    return recorder.result(value, (*widest.dims[:dim], joined, *widest.dims[dim + 1 :]))


def stack(recorder: Recorder, tensors: Sequence[View | torch.Tensor], dim: int = 0) -> View:
    """Tensors side by side along a new dimension; T times the same static one is that one at every step."""
    first = tensors[0]
    if isinstance(first, View) and _are_copies(first, tensors):
        place = wrapped(dim, len(first.dims) + 1)
        timed = _over_time(recorder, unsqueeze(recorder, first, place), place, len(tensors))
        if timed is not None:
            return timed
    parts = [unsqueeze(recorder, x, dim) if isinstance(x, View) else x.unsqueeze(dim) for x in tensors]
    return cat(recorder, parts, dim)


def repeat(recorder: Recorder, x: View, *repeats: object) -> View:
    """The tensor tiled. A static one tiled T times, along an axis of its own or of the batch, is that one at every step."""
    counts = sizes_of(repeats)
    x = _leading(x, len(counts))
    for dim, count in enumerate(counts):
        timed = _over_time(recorder, x, dim, count)
        if timed is not None:
            return repeat(recorder, timed, *counts[:dim], 1, *counts[dim + 1 :])
    for dim, count in enumerate(counts):
        x = cat(recorder, [x] * count, dim) if count != 1 and x.dims[dim] else x
    return recorder.expand(
        x, tuple(count if not dim else size for dim, size, count in zip(x.dims, x.shape, counts, strict=True))
    )


def expand(recorder: Recorder, x: View, *sizes: object) -> View:
    """Dimensions of length 1 repeated. A static one expanded to T along an axis of its own is that one at every step."""
    target = sizes_of(sizes)
    x = _leading(x, len(target))
    for dim, size in enumerate(target):
        timed = None if x.dims[dim] else _over_time(recorder, x, dim, size)
        if timed is not None:
            return expand(recorder, timed, *target[:dim], -1, *target[dim + 1 :])
    return recorder.expand(x, tuple(old if new == -1 else new for old, new in zip(x.shape, target, strict=True)))


def _leading(x: View, rank: int) -> View:
    """The tensor with as many dimensions as `rank`, those of length 1 put in front."""
    return x.with_dims((*[()] * (rank - len(x.dims)), *x.dims))


def _are_copies(x: View, tensors: Sequence[View | torch.Tensor]) -> bool:
    """Whether all tensors are the same one."""
    return all(each is x or each == x for each in tensors)


def _over_time(recorder: Recorder, x: View, dim: int, count: int) -> View | None:
    """
    The tensor at every step, where `count` copies along a dimension are that; None where they are something else.

    They are if there are T of a static tensor, in front of its batch, or along a dimension of length 1 before or behind it. A
    dimension that the value itself has (the channel of a grey image) is none of its own.
    """
    if count != recorder.steps or count == 1 or not recorder.type(x).static:
        return None
    axes, before = x.dims[dim], [axis.kind for other in x.dims[:dim] for axis in other]
    own = not axes and (not before or before == [BATCH]) and (not before or not _is_whole(recorder, x))
    if not own and not (axes and axes[0].kind == BATCH):
        return None
    time, *rest = recorder.repeat(x).dims
    return recorder.repeat(x).with_dims((*rest[:dim], (*time, *axes), *rest[dim + 1 :]))


def _is_whole(recorder: Recorder, x: View) -> bool:
    """Whether a tensor has its value's own dimensions."""
    return tuple(length(dim) for dim in x.dims if not is_outer(dim)) == recorder.type(x).shape


def expand_as(recorder: Recorder, x: View, other: View | torch.Tensor) -> View:
    """Expanded to another tensor's shape."""
    return expand(recorder, x, tuple(other.shape))


def stacked_along(dim: int) -> Any:
    """The rule of hstack, vstack or dstack for tensors that have the dimension."""

    def rule(recorder: Recorder, tensors: Sequence[View | torch.Tensor]) -> View:
        if any(len(tensor.shape) <= dim for tensor in tensors):
            raise CompileError("import.function", "stacks tensors of too few dimensions", hint="use torch.stack")
        return cat(recorder, tensors, dim)

    return rule


RULES = {
    "cat": cat,
    "concat": cat,
    "concatenate": cat,
    "stack": stack,
    "vstack": stacked_along(0),
    "row_stack": stacked_along(0),
    "hstack": stacked_along(1),
    "dstack": stacked_along(2),
    "repeat": repeat,
    "expand": expand,
    "expand_as": expand_as,
    "broadcast_to": expand,
}
"""Function name -> rule."""
