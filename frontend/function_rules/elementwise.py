"""Elementwise functions of one tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
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


def fake_quantize(
    recorder: Recorder, x: View, scale: object, zero_point: object, quant_min: int, quant_max: int
) -> View:
    """(clamp(round(x / scale) + zero, low, high) - zero) scale, as torch's kernel multiplies by 1 / scale in float32."""
    step, zero = number_of(scale), number_of(zero_point)
    if step is None or zero is None:
        raise CompileError("import.quantize", "quantises by what is not a number", hint="one scale, one zero point")
    step = float(np.float32(step))
    x = recorder.apply(Function("round"), recorder.apply(Scale(float(np.float32(1) / np.float32(step))), x))
    x = clamp(recorder, x, quant_min - zero, quant_max - zero)
    return recorder.apply(Scale(step), x)


def fake_quantize_channels(
    recorder: Recorder,
    x: View,
    scale: torch.Tensor,
    zero_point: torch.Tensor,
    axis: int,
    quant_min: int,
    quant_max: int,
) -> View:
    """The same with a scale and a zero point for every place along an axis."""
    rows = [-1 if place == axis % len(x.dims) else 1 for place in range(len(x.dims))]
    step, zero = scale.float().reshape(rows), zero_point.float().reshape(rows)
    if bool((zero != zero.flatten()[0]).any()):
        raise CompileError("import.quantize", "quantises channels with different zero points", hint="use one for all")
    x = recorder.apply(Function("round"), multiply(recorder, x, 1 / step))
    x = clamp(recorder, x, quant_min - float(zero.flatten()[0]), quant_max - float(zero.flatten()[0]))
    return multiply(recorder, x, step)


def observed_fake_quantize(recorder: Recorder, x: View, *options: Any) -> View:
    """What torch.ao's fused module does, whose observer must be off: scales must not follow what they see."""
    observes, quantises, _, _, scale, zero_point, _, quant_min, quant_max, axis, per_channel = options[:11]
    if bool(observes.any()):
        what, hint = (
            "an observer still looks for the range of values",
            "net.apply(torch.ao.quantization.disable_observer)",
        )
        raise CompileError("import.quantize", what, hint=hint)
    if not bool(quantises.any()):
        return x
    if per_channel:
        return fake_quantize_channels(recorder, x, scale, zero_point, axis, quant_min, quant_max)
    return fake_quantize(recorder, x, scale, zero_point, quant_min, quant_max)


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
    "fake_quantize_per_tensor_affine": fake_quantize,
    "fake_quantize_per_channel_affine": fake_quantize_channels,
    "fused_moving_avg_obs_fake_quant": observed_fake_quantize,
    **{name: function(name) for name in PLAIN if name not in ("gelu", "logsigmoid", "round")},
    "round": rounded,
    "gelu": gelu,
    "log_sigmoid": function("logsigmoid"),
}
"""Function name -> rule."""
