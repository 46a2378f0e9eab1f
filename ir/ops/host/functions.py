"""Elementwise functions by name. Those that torch has kernels of its own for are computed by them, rounding included."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import is_torch_array

ElementFunction = Callable[[Any, Any, float], Any]
"""(array namespace, x, constant) -> y of the same shape."""


def by_torch(compute: Callable[..., Any], x: Any, *arguments: Any) -> Any:
    """compute(x, ...) by torch, of floats, in the library of x."""
    import torch

    y = torch.as_tensor(np.array(x)) if not is_torch_array(x) else x
    y = compute(y if y.is_floating_point() else y.to(torch.get_default_dtype()), *arguments)
    return y if is_torch_array(x) else y.numpy()


def _torch(name: str, xp: Any, x: Any, c: float, **options: Any) -> Any:
    """A function of torch without a constant."""
    import torch

    return by_torch(partial(getattr(torch.nn.functional, name, None) or getattr(torch, name), **options), x)


def _torch_constant(name: str, keyword: str, xp: Any, x: Any, c: float) -> Any:
    """A function of torch.nn.functional with a constant."""
    import torch

    return by_torch(partial(getattr(torch.nn.functional, name), **{keyword: c}), x)


def _at_least(xp: Any, x: Any, c: float) -> Any:
    return xp.clip(x, min=c) if is_torch_array(x) else np.maximum(x, np.asarray(c, x.dtype))


def _at_most(xp: Any, x: Any, c: float) -> Any:
    return xp.clip(x, max=c) if is_torch_array(x) else np.minimum(x, np.asarray(c, x.dtype))


PLAIN = (
    *("sigmoid", "tanh", "gelu", "silu", "mish", "selu", "hardswish", "hardsigmoid", "logsigmoid", "softsign"),
    *("sin", "cos", "tan", "erf", "log2", "log10", "log1p", "expm1", "exp2", "rsqrt", "floor", "ceil", "trunc"),
    "round",
    *("sign", "arctan", "sinh", "cosh"),
)
"""Functions of torch without a constant, by its name for them."""

FUNCTIONS: dict[str, ElementFunction] = {
    "square": lambda xp, x, c: x * x,
    "sqrt": lambda xp, x, c: xp.sqrt(x),
    "power": lambda xp, x, c: x**c,
    "absolute": lambda xp, x, c: xp.abs(x),
    "exp": lambda xp, x, c: xp.exp(x),
    "log": lambda xp, x, c: xp.log(x),
    "at_least": _at_least,
    "at_most": _at_most,
    **{name: partial(_torch, name) for name in PLAIN},
    "gelu_tanh": partial(_torch, "gelu", approximate="tanh"),
    "elu": partial(_torch_constant, "elu", "alpha"),
    "celu": partial(_torch_constant, "celu", "alpha"),
    "leaky_relu": partial(_torch_constant, "leaky_relu", "negative_slope"),
    "softplus": partial(_torch_constant, "softplus", "threshold"),
}
"""Name -> function. The constant of `elu` and `celu` is alpha, of `leaky_relu` the slope, of `softplus` the threshold."""
