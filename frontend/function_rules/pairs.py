"""
The larger and the smaller of two tensors: OR and AND of spikes, relays or the host for anything else; and what logic makes of
spikes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from frontend.function_rules.arithmetic import subtract
from frontend.function_rules.joining import cat
from frontend.function_rules.views import reshape
from frontend.recording.broadcasting import combine, in_step
from frontend.recording.layout import View, is_outer
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.ops import Function, MaxPool, Mul, Scale
from ir.types import SPIKE


def larger(recorder: Recorder, input: Any, other: Any) -> View:  # noqa: A002
    """The larger of two tensors, element by element: OR of spikes; relays of currents; with a number for all of them."""
    x, y = input, other
    if not (isinstance(x, View) and isinstance(y, View)):
        view, constant = (x, y) if isinstance(x, View) else (y, x)
        return recorder.apply(Function("at_least", _same_number(constant)), view)
    pair = _paired(recorder, x, y)
    flat = recorder.in_order(reshape(recorder, pair, (*pair.shape[: leading(pair)], -1, 2)))
    pooled = recorder.emit(MaxPool((2,), (2,), (0,), (1,)), flat.value)
    return reshape(recorder, recorder.result(pooled, (*flat.dims[:-1], ())), pair.shape[:-1])


def smaller(recorder: Recorder, input: Any, other: Any) -> View:  # noqa: A002
    """The smaller of two tensors, element by element: AND of spikes; else minus the larger of both with the other sign."""
    x, y = input, other
    if not (isinstance(x, View) and isinstance(y, View)):
        view, constant = (x, y) if isinstance(x, View) else (y, x)
        return recorder.apply(Function("at_most", _same_number(constant)), view)
    if all(recorder.type(side).domain == SPIKE for side in (x, y)):
        return combine(recorder, Mul(), x, y)
    negative = (recorder.apply(Scale(-1.0), side) for side in (x, y))
    return recorder.apply(Scale(-1.0), larger(recorder, *negative))


def either(recorder: Recorder, input: Any, other: Any) -> View:  # noqa: A002
    """OR of spikes."""
    return larger(recorder, *_two_spikes(recorder, "or", input, other))


def both(recorder: Recorder, input: Any, other: Any) -> View:  # noqa: A002
    """AND of spikes."""
    return smaller(recorder, *_two_spikes(recorder, "and", input, other))


def one(recorder: Recorder, input: Any, other: Any) -> View:  # noqa: A002
    """XOR of spikes: one of them, but not both."""
    x, y = _two_spikes(recorder, "xor", input, other)
    return smaller(recorder, larger(recorder, x, y), subtract(recorder, 1.0, smaller(recorder, x, y)))


def _two_spikes(recorder: Recorder, name: str, x: Any, y: Any) -> tuple[View, View]:
    if not (isinstance(x, View) and isinstance(y, View)):
        what = f"{name} combines spikes with a constant"
        raise CompileError("import.truth", what, hint="multiply by the constant, or add it")
    for side in (x, y):
        check_spikes(recorder, side, name)
    return x, y


def check_spikes(recorder: Recorder, x: View, name: str) -> None:
    """CompileError where a question of truth is asked of what are no spikes."""
    if recorder.type(x).domain != SPIKE:
        what = f"{name} asks which computed numbers are 0"
        raise CompileError("import.truth", what, hint="it can be asked of spikes")


def _paired(recorder: Recorder, x: View, y: View) -> View:
    """Two tensors broadcast against each other, side by side in a new last dimension."""
    x, y = in_step(recorder, x, y)
    timed = recorder.is_timed(x) or recorder.is_timed(y)
    sides = [
        side if not timed or recorder.is_timed(side) else recorder.repeat(side.with_dims(side.dims[1:]))
        for side in (x, y)
    ]
    shape = tuple(max(sizes) for sizes in zip(*(side.shape for side in sides), strict=True))
    x, y = (recorder.expand(side, shape) for side in sides)
    return cat(recorder, [side.with_dims((*side.dims, ())) for side in (x, y)], -1)


def _same_number(constant: Any) -> float:
    """The number that a constant is, or holds at every place; CompileError for an array of several."""
    array = np.asarray(constant.detach().cpu() if isinstance(constant, torch.Tensor) else constant)
    if array.min() != array.max():
        what = "takes the larger, or smaller, of a computed tensor and several numbers"
        raise CompileError("import.maximum", what, hint="take that of one number, as clamp does, channel by channel")
    return float(array.flat[0])


def leading(x: View) -> int:
    """How many dimensions of time and batch come first."""
    return next((place for place, dim in enumerate(x.dims) if not is_outer(dim)), len(x.dims))


RULES = {
    "maximum": larger,
    "minimum": smaller,
    "fmax": larger,
    "fmin": smaller,
    "logical_and": both,
    "logical_or": either,
    "logical_xor": one,
    **dict.fromkeys(("bitwise_and", "__and__"), both),
    **dict.fromkeys(("bitwise_or", "__or__"), either),
    **dict.fromkeys(("bitwise_xor", "__xor__"), one),
}
"""Function name -> rule."""
