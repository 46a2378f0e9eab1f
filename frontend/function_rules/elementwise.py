"""Elementwise functions of one tensor."""

from __future__ import annotations

from collections.abc import Callable

import torch

from frontend.function_rules.arithmetic import add, multiply, number_of
from frontend.recording.layout import View
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.ops import Function, Scale
from ir.ops.host.functions import PLAIN


def function(name: str, constant: float = 0.0) -> Callable[..., View]:
    """The rule of an elementwise function without arguments."""

    def rule(recorder: Recorder, x: View, inplace: bool = False) -> View:
        return recorder.apply(Function(name, constant), x)

    return rule


def negate(recorder: Recorder, x: View) -> View:
    """-x, which is -1 times x to the last bit."""
    return recorder.apply(Scale(-1.0), x)


def rounded(recorder: Recorder, x: View, decimals: int = 0) -> View:
    """The nearest whole number, halves to the even one."""
    if decimals:
        raise CompileError("import.round", f"rounds to {decimals} decimals", hint="round x * 10 ** decimals")
    return recorder.apply(Function("round"), x)


def power(recorder: Recorder, x: View, exponent: object) -> View:
    """x ** exponent with a number as the exponent."""
    if not isinstance(exponent, (int, float)):
        raise CompileError("import.power", "raises to a power that is not a number")
    op = {2: Function("square"), 0.5: Function("sqrt"), 1: Scale(1.0)}.get(exponent, Function("power", float(exponent)))
    return recorder.apply(op, x)


def clamp(recorder: Recorder, x: View, min: object = None, max: object = None) -> View:  # noqa: A002
    """At least `min` and at most `max`, which are numbers; spikes and counts are above 0 already."""
    low, high = number_of(min), number_of(max)
    if (low, high) == (None, None) or (low is None) != (min is None) or (high is None) != (max is None):
        raise CompileError(
            "import.clamp", "clamps to what is not a number", hint="clamp(min=...) and max= take numbers"
        )
    whole = recorder.type(x).domain.kind in ("spike", "count")
    if low is not None and not (whole and low <= 0):
        x = recorder.apply(Function("at_least", low), x)
    return x if high is None else recorder.apply(Function("at_most", high), x)


def clamp_max(recorder: Recorder, x: View, max: object) -> View:  # noqa: A002
    """At most `max`."""
    return clamp(recorder, x, max=max)


def relu(recorder: Recorder, x: View, inplace: bool = False) -> View:
    """At least 0."""
    return clamp(recorder, x, 0.0)


def relu6(recorder: Recorder, x: View, inplace: bool = False) -> View:
    """Between 0 and 6."""
    return clamp(recorder, x, 0.0, 6.0)


def hardtanh(recorder: Recorder, x: View, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> View:
    """Between `min_val` and `max_val`."""
    return clamp(recorder, x, float(min_val), float(max_val))


def gelu(recorder: Recorder, x: View, approximate: str = "none") -> View:
    """x times the normal distribution of x, or its approximation by tanh."""
    return recorder.apply(Function("gelu" if approximate == "none" else "gelu_tanh"), x)


def elu(recorder: Recorder, x: View, alpha: float = 1.0, inplace: bool = False) -> View:
    """x, or alpha (exp(x) - 1) below 0."""
    return recorder.apply(Function("elu", float(alpha)), x)


def celu(recorder: Recorder, x: View, alpha: float = 1.0, inplace: bool = False) -> View:
    """x, or alpha (exp(x / alpha) - 1) below 0."""
    return recorder.apply(Function("celu", float(alpha)), x)


def leaky_relu(recorder: Recorder, x: View, negative_slope: float = 0.01, inplace: bool = False) -> View:
    """x, or the slope times x below 0."""
    return recorder.apply(Function("leaky_relu", float(negative_slope)), x)


def prelu(recorder: Recorder, x: View, weight: torch.Tensor) -> View:
    """x, or below 0 the weight of its channel (dimension 1) times x."""
    slope = weight.reshape(-1, *(1,) * (len(x.dims) - 2)) if weight.numel() > 1 else weight
    below = multiply(recorder, recorder.apply(Function("at_most", 0.0), x), slope)
    return add(recorder, recorder.apply(Function("at_least", 0.0), x), below)


def softplus(recorder: Recorder, x: View, beta: float = 1.0, threshold: float = 20.0) -> View:
    """log(1 + exp(beta x)) / beta, and x itself where beta x is above the threshold."""
    scaled = x if beta == 1 else recorder.apply(Scale(float(beta)), x)
    y = recorder.apply(Function("softplus", float(threshold)), scaled)
    return y if beta == 1 else recorder.apply(Scale(1 / beta), y)


def reciprocal(recorder: Recorder, x: View) -> View:
    """1 / x."""
    return recorder.apply(Function("power", -1.0), x)


RULES = {
    "reciprocal": reciprocal,
    "pow": power,
    "square": function("square"),
    "sqrt": function("sqrt"),
    "neg": negate,
    "negative": negate,
    "abs": function("absolute"),
    "absolute": function("absolute"),
    "exp": function("exp"),
    "log": function("log"),
    "clamp": clamp,
    "clamp_min": clamp,
    "clamp_max": clamp_max,
    "clip": clamp,
    "relu": relu,
    "relu6": relu6,
    "hardtanh": hardtanh,
    "elu": elu,
    "celu": celu,
    "leaky_relu": leaky_relu,
    "prelu": prelu,
    "softplus": softplus,
    **{name: function(name) for name in PLAIN if name not in ("gelu", "logsigmoid", "round")},
    "round": rounded,
    "gelu": gelu,
    "log_sigmoid": function("logsigmoid"),
}
"""Function name -> rule."""
