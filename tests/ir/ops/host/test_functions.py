"""Every function by name, against its formula in numpy's float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import special

from ir.ops import Function
from ir.ops.host.functions import FUNCTIONS, by_torch

C = 1.5
"""The constant that functions get."""


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _below(x: np.ndarray, low: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, low)


NUMPY = {
    "square": np.square,
    "sqrt": lambda x: np.sqrt(np.abs(x)),
    "power": lambda x: np.abs(x) ** C,
    "absolute": np.abs,
    "exp": np.exp,
    "log": lambda x: np.log(np.abs(x)),
    "at_least": lambda x: np.maximum(x, C),
    "at_most": lambda x: np.minimum(x, C),
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "gelu": lambda x: x * special.ndtr(x),
    "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "selu": lambda x: 1.0507009873554804934 * _below(x, 1.6732632423543772848 * np.expm1(x)),
    "hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hardsigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "logsigmoid": lambda x: np.log(_sigmoid(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "erf": special.erf,
    "log2": lambda x: np.log2(np.abs(x)),
    "log10": lambda x: np.log10(np.abs(x)),
    "log1p": lambda x: np.log1p(np.abs(x)),
    "expm1": np.expm1,
    "exp2": np.exp2,
    "rsqrt": lambda x: 1 / np.sqrt(np.abs(x)),
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "round": np.rint,
    "sign": np.sign,
    "arctan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "elu": lambda x: _below(x, C * np.expm1(x)),
    "celu": lambda x: _below(x, C * np.expm1(x / C)),
    "leaky_relu": lambda x: _below(x, C * x),
    "softplus": lambda x: np.where(x > C, x, np.log1p(np.exp(x))),
}
POSITIVE = ("sqrt", "power", "log", "log2", "log10", "log1p", "rsqrt")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_by_name(name: str, x, run):
    values = (x + 0.25) if name in POSITIVE else (x - 0.75)
    for wrap in (np.asarray, torch.from_numpy):
        value = np.asarray(run(Function(name, C), {}, wrap(values)))
        np.testing.assert_allclose(value, NUMPY[name](values.astype(np.float64)), rtol=3e-6, atol=1e-7)
        assert value.dtype == np.float32


def test_integers_are_taken_for_floats():
    assert by_torch(torch.sigmoid, np.zeros((1, 2), np.uint8)).tolist() == [[0.5, 0.5]]
