"""Reductions and what acts along an axis, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import special

from ir.errors import CompileError
from ir.ops import Along, Reduce
from ir.ops.host.reduce import ALONG, REDUCTIONS, SINGLE
from ir.types import parse_type

NUMPY = {
    "max": np.max,
    "min": np.min,
    "argmax": np.argmax,
    "argmin": np.argmin,
    "argmax_of_max": np.argmax,
    "argmin_of_min": np.argmin,
    "prod": np.prod,
    "logsumexp": special.logsumexp,
    "var": lambda x, axis, keepdims: np.var(x, axis=axis, ddof=1, keepdims=keepdims),
    "std": lambda x, axis, keepdims: np.std(x, axis=axis, ddof=1, keepdims=keepdims),
}
AXES = {(0,): 2, (1,): 3, (-1,): 0, (0, 1): (2, 3), (-1, 1): (0, 3)}
"""Axes of a value -> those of an array."""


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axes", AXES)
def test_every_reduction_by_name(name: str, axes: tuple[int, ...], run):
    values = np.random.default_rng(0).permutation(120).reshape(2, 3, 4, 5).astype(np.float32) / 16
    if len(axes) > 1 and name in SINGLE:
        return
    for wrap in (np.asarray, torch.from_numpy):
        value = np.asarray(run(Reduce(name, axes, 1.0), {}, wrap(values)))
        expected = NUMPY[name](values.astype(np.float64), axis=AXES[axes], keepdims=True)
        np.testing.assert_allclose(value, expected, rtol=1e-5)


def _log_softmax(x: np.ndarray, axis: int) -> np.ndarray:
    return x - special.logsumexp(x, axis=axis, keepdims=True)


@pytest.mark.parametrize("name", ALONG)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_everything_along_an_axis_by_name(name: str, axis: int, x, run):
    formulas = {
        "softmax": special.softmax,
        "log_softmax": _log_softmax,
        "cumsum": np.cumsum,
        "cumprod": np.cumprod,
    }
    for wrap in (np.asarray, torch.from_numpy):
        value = np.asarray(run(Along(name, axis), {}, wrap(x)))
        expected = formulas[name](x.astype(np.float64), axis=0 if axis == -1 else axis + 2)
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("op", "operand", "result"),
    [
        (Reduce("max", (0,)), "spike[3x4]", "real[1x4]"),
        (Reduce("max", (-1,)), "spike[3x4]", "real[3x4] static"),
        (Reduce("var", (-1, 1), 1.0), "graded<8>[3x4]*0.5", "real[3x1] static"),
        (Along("softmax", 1), "real[3x4] static", "real[3x4] static"),
        (Along("cumsum", -1), "count<2>[3x4]", "real[3x4]"),
    ],
)
def test_result_types(op: Reduce | Along, operand: str, result: str):
    assert str(op.infer((parse_type(operand),), {})) == result


@pytest.mark.parametrize(
    ("op", "operand", "rule"),
    [
        (Reduce("mode", (0,)), "real[3]", "ir.reduce.name"),
        (Reduce("argmax", (0, 1)), "real[3x3]", "ir.reduce.axes"),
        (Reduce("max", ()), "real[3]", "ir.reduce.axes"),
        (Reduce("max", (1,)), "real[3]", "ir.reduce.axes"),
        (Reduce("max", (-1,)), "real[3] static", "ir.reduce.static"),
        (Along("flip", 0), "real[3]", "ir.along.name"),
        (Along("softmax", 2), "real[3]", "ir.along.axes"),
        (Along("cumsum", -1), "real[3] static", "ir.along.static"),
    ],
)
def test_what_does_not_fit_is_refused(op: Reduce | Along, operand: str, rule: str):
    with pytest.raises(CompileError) as caught:
        op.infer((parse_type(operand),), {})
    assert caught.value.rule == rule
