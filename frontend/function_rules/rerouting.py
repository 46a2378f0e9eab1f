"""
Functions that only put elements elsewhere, drop, repeat or silence them: flips, rolls, choices by constant indices, pads.

No function has a rule of its own: torch moves the numbers of the elements instead of the elements, and where they arrive says
which wire leads where. That batch and time stay whole is seen in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from frontend.function_rules.arithmetic import add, multiply, subtract
from frontend.function_rules.joining import cat, pad_one
from frontend.function_rules.layers import feature_dim
from frontend.function_rules.slicing import slice_along, take
from frontend.function_rules.views import reshape
from frontend.recording.layout import View, is_outer, is_plain, is_time
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.graph import Array
from ir.ops import Gather
from ir.ops.shape import SILENT

Move = Callable[[torch.Tensor], torch.Tensor]


def moved(recorder: Recorder, x: View, move: Move) -> View:
    """What `move` makes of a tensor, an element of it or 0 at every place; CompileError where it mixes time or batch."""
    outer = [place for place, dim in enumerate(x.dims) if is_outer(dim)]
    if len(outer) == 1 and any(x.dims[: outer[0]]):  # steps before the batch, as features
        y = moved(recorder, _to_front(x, outer[0]), partial(_in_front, move, outer[0]))
        return y.with_dims((*y.dims[1 : outer[0] + 1], y.dims[0], *y.dims[outer[0] + 1 :]))
    x = recorder.in_order(x)
    leading = max((place + 1 for place, dim in enumerate(x.dims) if is_outer(dim)), default=0)
    if not all(is_plain(dim) for dim in x.dims[leading:]) or any(dim and is_plain(dim) for dim in x.dims[:leading]):
        raise CompileError("import.axes", f"moves elements of {x}, which has time or batch behind features")
    outer, size = x.shape[:leading], int(np.prod(x.shape[leading:]))
    numbers = 1 + torch.arange(int(np.prod(outer)) * size).reshape(x.shape)
    result = _unobserved(move, numbers)
    first = numbers.reshape(-1, size)[:, :1]
    wires = (result.reshape(len(first), -1) - first) if tuple(result.shape[:leading]) == outer else torch.zeros(0, 0)
    silent = (result == 0).reshape(wires.shape) if wires.numel() else wires.bool()
    wires = wires.masked_fill(silent, SILENT)
    if not wires.numel() or (wires != wires[:1]).any() or wires.max() >= size or (wires < 0)[~silent].any():
        raise CompileError("import.axes", f"moves elements of {x} along time or batch", hint="move features only")
    return _gathered(recorder, x, leading, wires[0].numpy(), tuple(result.shape[leading:]))


def _to_front(x: View, place: int) -> View:
    return x.with_dims((x.dims[place], *x.dims[:place], *x.dims[place + 1 :]))


def _in_front(move: Move, place: int, numbers: torch.Tensor) -> torch.Tensor:
    """What `move` makes of a tensor whose dimension `place` was brought to the front; nothing where it has no such one then."""
    result = move(numbers.movedim(0, place))
    return result.movedim(place, 0) if result.ndim > place else result[:0]


def _unobserved(move: Move, numbers: torch.Tensor) -> torch.Tensor:
    """The moved numbers, exactly: as integers where torch moves integers, else as float64."""
    with torch._C.DisableTorchFunction():  # pyright: ignore
        try:
            return move(numbers)
        except (RuntimeError, NotImplementedError):
            return move(numbers.double()).round().long()


def _gathered(recorder: Recorder, x: View, leading: int, wires: Array, shape: tuple[int, ...]) -> View:
    """The elements `wires` of the features of a tensor in order, in the shape `shape`; along one axis where that says it."""
    sizes = x.shape[leading:]
    axis = _one_axis(wires.reshape(shape), sizes)
    if axis is None:
        flat = recorder.in_order(reshape(recorder, x, (*x.shape[:leading], -1)))
        value = recorder.emit(Gather(0, tuple(map(int, wires))), flat.value)
        return reshape(
            recorder, recorder.result(value, (*x.dims[:leading], feature_dim(len(wires)))), (*x.shape[:leading], *shape)
        )
    place, index = axis
    value = recorder.emit(Gather(place + _features_before(x, leading), index), x.value)
    dims = [*x.dims[: leading + place], feature_dim(len(index)), *x.dims[leading + place + 1 :]]
    return recorder.result(value, dims)


def _features_before(x: View, leading: int) -> int:
    """The axes of length 1 that lie between time and batch."""
    return sum(not is_outer(dim) for dim in x.dims[:leading])


def _one_axis(wires: Array, sizes: tuple[int, ...]) -> tuple[int, tuple[int, ...]] | None:
    """The axis along which alone elements moved, and where each came from; None where it takes more than one."""
    numbers = np.arange(int(np.prod(sizes))).reshape(sizes)
    for axis, size in enumerate(sizes):
        if wires.ndim == len(sizes) and (*sizes[:axis], wires.shape[axis], *sizes[axis + 1 :]) == wires.shape:
            along = np.moveaxis(wires, axis, 0).reshape(wires.shape[axis], -1)[:, 0]
            origin = np.moveaxis(numbers, axis, 0).reshape(size, -1)[:, 0]
            index = np.where(along == SILENT, SILENT, np.searchsorted(origin, along).clip(max=size - 1))
            taken = np.take(numbers, index.clip(min=0), axis)
            silenced = np.where(
                np.expand_dims(index == SILENT, [k for k in range(len(sizes)) if k != axis]), SILENT, taken
            )
            if np.array_equal(silenced, wires):
                return axis, tuple(int(n) for n in index)
    return None


def moving(function: Callable[..., torch.Tensor]) -> Callable[..., View]:
    """The rule of a function that moves elements of its first argument."""

    def rule(recorder: Recorder, x: View, *arguments: Any, **options: Any) -> View:
        if any(isinstance(item, View) for item in (*arguments, *options.values())):
            raise CompileError("import.index", "chooses elements by computed numbers", hint="use constant indices")
        return moved(recorder, x, partial(_called, function, arguments, options))

    return rule


def _called(
    function: Callable[..., torch.Tensor], arguments: Sequence[Any], options: dict[str, Any], numbers: torch.Tensor
) -> torch.Tensor:
    return function(numbers, *arguments, **options)


def padded(recorder: Recorder, x: View, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> View:
    """Zeros around features, or features again: reflected, repeated, from the other end."""
    if mode == "constant":
        return _zeros(recorder, x, pad, value)
    return moved(recorder, x, lambda numbers: functional.pad(numbers, list(pad), mode))


def _zeros(recorder: Recorder, x: View, pad: Sequence[int], value: float | None = None) -> View:
    """Zeros around features; where there are fewer than none, features are cut off."""
    if value not in (None, 0):
        raise CompileError("import.pad", f"cannot import padding with the value {value}", hint="pad with zeros")
    for offset in range(0, len(pad), 2):
        before, after = pad[offset], pad[offset + 1]
        dim = len(x.dims) - 1 - offset // 2
        if before < 0 or after < 0:
            x = slice_along(recorder, x, dim, max(0, -before), x.shape[dim] + min(0, after))
        if before > 0 or after > 0:
            x = pad_one(recorder, x, dim, max(0, before), max(0, after))
    return x


def roll(recorder: Recorder, x: View, shifts: Any, dims: Any = None) -> View:
    """Elements moved on, those behind the end put in front; steps, too."""
    if isinstance(dims, int) and isinstance(shifts, int) and is_time(x.dims[dims]):
        length = x.shape[dims]
        return take(recorder, x, dims, [(place - shifts) % length for place in range(length)])
    return moved(recorder, x, lambda numbers: torch.roll(numbers, shifts, dims))


def where(recorder: Recorder, condition: object, x: object, y: object) -> View:
    """x where a constant is true, else y: computed tensors, or one of them 0; where spikes are, any two."""
    if isinstance(condition, View):
        return _chosen(recorder, condition, x, y)
    assert isinstance(condition, torch.Tensor)
    if isinstance(x, View) and isinstance(y, View):
        if x.shape != y.shape:
            raise CompileError("import.where", f"chooses between {x} and {y}", hint="give both the same shape")
        both = cat(recorder, [_stacked(recorder, x), _stacked(recorder, y)], -1)
        return moved(recorder, both, lambda n: torch.where(condition, n[..., 0], n[..., 1]))
    view, other = (x, y) if isinstance(x, View) else (y, x)
    if not isinstance(view, View) or not _is_zero(other):
        raise CompileError("import.where", "puts a constant in the place of elements", hint="zeros can be put there")
    mask = condition if view is x else ~condition
    return moved(recorder, view, lambda numbers: torch.where(mask, numbers, 0))


def _chosen(recorder: Recorder, spikes: View, x: Any, y: Any) -> View:
    """s x + (1 - s) y, without products with zeros; the spikes themselves where that is s. A computed truth value is a spike."""
    if _is_zero(y) and isinstance(x, (int, float)) and x == 1:
        return spikes
    choices = [(spikes, x)] if not _is_zero(x) else []
    choices += [(subtract(recorder, 1.0, spikes), y)] if not _is_zero(y) else []
    if not choices:
        return multiply(recorder, spikes, 0.0)
    return reduce(partial(add, recorder), (multiply(recorder, chosen, of) for chosen, of in choices))


def _stacked(recorder: Recorder, x: View) -> View:
    return x.with_dims((*x.dims, ()))


def _is_zero(constant: object) -> bool:
    return bool((constant == 0).all()) if isinstance(constant, torch.Tensor) else constant == 0


def masked_fill(recorder: Recorder, x: View, mask: object, value: object) -> View:
    """Zeros where a constant is true; any number where spikes are."""
    if isinstance(mask, View):
        return where(recorder, mask, value, x)
    return where(recorder, ~mask if isinstance(mask, torch.Tensor) else mask, x, value)


def unfold(recorder: Recorder, x: View, *arguments: Any, **options: Any) -> View:
    """Windows: of an image side by side in columns (`F.unfold`), or of one dimension (`Tensor.unfold`)."""
    columns = "dilation" in options or len(arguments) + len(options) != len(("dimension", "size", "step"))
    function = functional.unfold if columns else torch.Tensor.unfold
    return moved(recorder, x, partial(_called, function, arguments, options))


RULES = {
    "flip": moving(torch.Tensor.flip),
    "fliplr": moving(torch.fliplr),
    "unfold": unfold,
    "roll": roll,
    "rot90": moving(torch.rot90),
    "take_along_dim": moving(torch.take_along_dim),
    "tril": moving(torch.tril),
    "triu": moving(torch.triu),
    "diagonal": moving(torch.diagonal),
    "repeat_interleave": moving(torch.repeat_interleave),
    "tile": moving(torch.Tensor.tile),
    "pixel_shuffle": moving(torch.pixel_shuffle),
    "pixel_unshuffle": moving(torch.pixel_unshuffle),
    "channel_shuffle": moving(torch.channel_shuffle),
    "pad": padded,
    "where": where,
    "masked_fill": masked_fill,
}
"""Function name -> rule."""
