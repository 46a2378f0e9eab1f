"""
Tensors that hold steps of a value side by side, and zeros: what is cut out of the window and put together again.

    s[:-1]                                         steps 0 .. T - 2 of s
    F.pad(s[:-1], (0, 0, 0, 0, 1, 0))              nothing, then steps 0 .. T - 2: s one step late, which is a delay
    cat([zeros, s[:-1]]), out[1:] = s[:-1]         the same

Such a tensor is recorded as single steps, which only the host can take out of a window; what it holds is noted beside. As soon as
a tensor as long as the window holds a value some steps late, it becomes a `Delay`, which chips have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from frontend.recording.layout import TIME, Axis, View
from frontend.recording.recorder import Recorder
from ir.ops import Delay


@dataclass(frozen=True)
class Moments:
    """What a tensor holds along one of its dimensions."""

    window: View
    """The value over the window, time in that dimension."""
    steps: tuple[int | None, ...]
    """Which step of it is where; None for zeros."""


def moments(recorder: Recorder, x: View, dim: int) -> Moments | None:
    """The steps along a dimension of a tensor; None where it is not made of steps of one value."""
    noted = recorder.moments.get((x, dim))
    if noted is not None:
        return noted
    single = recorder.step_of(x.value)
    if single is None or x.dims[dim]:
        return None
    value, step = single
    window = View(value, x.dims)
    time = (Axis(TIME, recorder.window(window)),)
    return Moments(window.with_dims((*x.dims[:dim], time, *x.dims[dim + 1 :])), (step,))


def noted(recorder: Recorder, x: View, dim: int, parts: Sequence[Moments | int | None]) -> View:
    """
    A tensor that is made of `parts` along a dimension: moments, or a number of zeros; itself, or the delay that it is.

    Args:
        x: the tensor as it was recorded. parts: None for anything else, so that nothing is noted.
    """
    windows = {part.window for part in parts if isinstance(part, Moments)}
    if len(windows) != 1 or None in parts:
        return x
    (window,) = windows
    steps: list[int | None] = []
    for part in parts:
        steps += part.steps if isinstance(part, Moments) else [None] * (part or 0)
    late = steps.count(None)
    if len(steps) == recorder.window(window) and steps == [*[None] * late, *range(len(steps) - late)]:
        return View(recorder.emit(Delay(late), window.value), window.dims) if late else window
    recorder.moments[x, dim] = Moments(window, tuple(steps))
    return x


def chosen(recorder: Recorder, x: View, dim: int, index: Sequence[int], result: View) -> View:
    """`result`, the elements `index` of x along a dimension, with its steps noted where those of x are."""
    held = moments(recorder, x, dim)
    return result if held is None else noted(recorder, result, dim, [_at(held, index)])


def _at(held: Moments, index: Sequence[int]) -> Moments:
    return Moments(held.window, tuple(held.steps[place] for place in index))
