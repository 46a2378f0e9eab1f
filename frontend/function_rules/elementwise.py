"""Elementwise functions of one tensor."""

from __future__ import annotations

from collections.abc import Callable

from frontend.recording.layout import View
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.ops import Function, Scale


def function(name: str, constant: float = 0.0) -> Callable[[Recorder, View], View]:
    """The rule of an elementwise function without arguments."""
    return lambda recorder, x: recorder.apply(Function(name, constant), x)


def negate(recorder: Recorder, x: View) -> View:
    """-x, which is -1 times x to the last bit."""
    return recorder.apply(Scale(-1.0), x)


def power(recorder: Recorder, x: View, exponent: object) -> View:
    """x ** exponent with a number as the exponent."""
    if not isinstance(exponent, (int, float)):
        raise CompileError("import.power", "raises to a power that is not a number")
    op = {2: Function("square"), 0.5: Function("sqrt"), 1: Scale(1.0)}.get(exponent, Function("power", float(exponent)))
    return recorder.apply(op, x)


def clamp_min(recorder: Recorder, x: View, min: float | None = None, max: float | None = None) -> View:  # noqa: A002
    """At least `min`; an upper limit cannot be imported."""
    if max is not None or min is None:
        raise CompileError(
            "import.clamp", "cannot import a clamp with an upper limit", hint="clamp(min=...) alone can be"
        )
    return recorder.apply(Function("at_least", float(min)), x)


def relu(recorder: Recorder, x: View, inplace: bool = False) -> View:
    """At least 0."""
    return clamp_min(recorder, x, 0.0)


RULES = {
    "pow": power,
    "square": function("square"),
    "sqrt": function("sqrt"),
    "neg": negate,
    "negative": negate,
    "abs": function("absolute"),
    "absolute": function("absolute"),
    "exp": function("exp"),
    "log": function("log"),
    "clamp": clamp_min,
    "clamp_min": clamp_min,
    "clip": clamp_min,
    "relu": relu,
}
"""Function name -> rule."""
