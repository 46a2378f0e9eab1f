"""Reductions and what acts along an axis, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import special

from ir.errors import CompileError
from ir.ops import Along, Reduce, TopK
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
    "norm": lambda x, axis, keepdims: np.abs(x).sum(axis=axis, keepdims=keepdims),  # p = 1
    "norm_largest": lambda x, axis, keepdims: np.abs(x).max(axis=axis, keepdims=keepdims),
    "norm_smallest": lambda x, axis, keepdims: np.abs(x).min(axis=axis, keepdims=keepdims),
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
        "logcumsumexp": lambda x, axis: np.log(np.cumsum(np.exp(x), axis)),
        "sort": np.sort,
        "sort_descending": lambda x, axis: -np.sort(-x, axis),
        "argsort": np.argsort,
        "argsort_descending": lambda x, axis: np.argsort(-x, axis),
    }
    x = x if "sort" not in name else np.random.default_rng(0).permutation(x.size).reshape(x.shape).astype(x.dtype)
    for wrap in (np.asarray, torch.from_numpy):
        value = np.asarray(run(Along(name, axis), {}, wrap(x)))
        expected = formulas[name](x.astype(np.float64), axis=0 if axis == -1 else axis + 2)
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("largest", [True, False])
def test_the_largest_values_and_where_they_are(largest: bool, run):
    values = np.random.default_rng(0).permutation(120).reshape(2, 3, 4, 5).astype(np.float32)
    order = np.argsort(-values if largest else values, axis=3)[..., :3]
    for wrap in (np.asarray, torch.from_numpy):
        indices = np.asarray(run(TopK(3, 1, largest, part="indices"), {}, wrap(values)))
        np.testing.assert_array_equal(indices, order)
        found = np.asarray(run(TopK(3, 1, largest), {}, wrap(values)))
        np.testing.assert_array_equal(found, np.take_along_axis(values, order, 3))


@pytest.mark.parametrize(
    ("op", "operand", "result"),
    [
        (Reduce("max", (0,)), "spike[3x4]", "real[1x4]"),
        (Reduce("max", (-1,)), "spike[3x4]", "real[3x4] static"),
        (Reduce("var", (-1, 1), 1.0), "graded<8>[3x4]*0.5", "real[3x1] static"),
        (Along("softmax", 1), "real[3x4] static", "real[3x4] static"),
        (Along("cumsum", -1), "count<2>[3x4]", "real[3x4]"),
        (TopK(2, 1), "spike[3x4]", "real[3x2]"),
    ],
)
def test_result_types(op: Reduce | Along | TopK, operand: str, result: str):
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
        (TopK(5, 0), "real[3]", "ir.top_k.k"),
        (TopK(1, 1), "real[3]", "ir.top_k.axes"),
        (TopK(1, -1), "real[3]", "ir.top_k.axis"),
        (TopK(1, 0, part="ranks"), "real[3]", "ir.top_k.part"),
        (Along("softmax", 2), "real[3]", "ir.along.axes"),
        (Along("cumsum", -1), "real[3] static", "ir.along.static"),
    ],
)
def test_what_does_not_fit_is_refused(op: Reduce | Along | TopK, operand: str, rule: str):
    with pytest.raises(CompileError) as caught:
        op.infer((parse_type(operand),), {})
    assert caught.value.rule == rule
