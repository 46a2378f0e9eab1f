"""Batch norm and layer norm are torch's: to the last bit on torch, to rounding on numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir.errors import CompileError
from ir.ops import BatchNorm, LayerNorm
from ir.types import parse_type


@pytest.mark.parametrize(
    "op", [BatchNorm(1, 1e-5), BatchNorm(0, 1e-5), BatchNorm(-1, 1e-5, timed=True), LayerNorm(1e-5)]
)
def test_norms_against_torch(op, x, run, dyadic):
    channels = 2 if getattr(op, "timed", False) else x.shape[2 + getattr(op, "axis", 1)]
    params = {"weight": dyadic(channels), "bias": dyadic(channels) + 1}
    if op.kind == "batch_norm":
        params |= {"mean": dyadic(channels) - 1, "var": np.abs(dyadic(channels)) + 0.5}
    on_torch = run(op, params, torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(run(op, params, x), on_torch, rtol=2e-6, atol=2e-6)
    if op.kind == "layer_norm":
        expected = torch.nn.functional.layer_norm(
            torch.from_numpy(x), (5,), *map(torch.from_numpy, (params["weight"], params["bias"]))
        )
        assert np.array_equal(on_torch, expected.numpy())


def test_batch_norm_is_the_layer_of_torch(x, run):
    layer = torch.nn.BatchNorm1d(5).eval()
    with torch.no_grad():
        for tensor in (*layer.parameters(), layer.running_mean, layer.running_var):
            tensor.copy_(torch.rand(5) + 0.5)
    params = dict(mean=layer.running_mean, var=layer.running_var, weight=layer.weight, bias=layer.bias)
    ours = run(BatchNorm(1, layer.eps), {k: v.detach().numpy() for k, v in params.items()}, torch.from_numpy(x))
    theirs = layer(torch.from_numpy(x).flatten(0, 1).transpose(1, 2)).transpose(1, 2).reshape(x.shape)
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("op", [BatchNorm(1, 1e-5), LayerNorm(1e-5)])
def test_weight_and_bias_may_be_missing(op, x, run, dyadic):
    params = {"mean": dyadic(5), "var": np.abs(dyadic(5)) + 0.5} if op.kind == "batch_norm" else {}
    neutral = {"weight": np.ones(5, np.float32), "bias": np.zeros(5, np.float32)}
    for wrap in (np.asarray, torch.from_numpy):
        assert np.array_equal(run(op, params, wrap(x)), run(op, {**params, **neutral}, wrap(x)))


def test_the_channels_of_a_timed_norm_are_the_steps(x, run):
    params = {"mean": np.array([1, 2], np.float32), "var": np.array([4, 1], np.float32)}
    for wrap in (np.asarray, torch.from_numpy):
        y = np.asarray(run(BatchNorm(-1, 0.0, timed=True), params, wrap(x)))
        np.testing.assert_allclose(y[0], (x[0] - 1) / 2)
        np.testing.assert_allclose(y[1], x[1] - 2)


@pytest.mark.parametrize(
    ("op", "operand", "params", "result"),
    [
        (BatchNorm(0, 1e-5), "current[4x5]", {"mean": (4,)}, "current[4x5]"),
        (BatchNorm(1, 1e-5), "spike[4x5]", {"mean": (5,)}, "real[4x5]"),
        (BatchNorm(1, 1e-5), "real[4x5] static", {"mean": (5,)}, "real[4x5] static"),
        (BatchNorm(-1, 1e-5, timed=True), "real[4x5] static", {"mean": (2,)}, "real[4x5]"),
        (LayerNorm(1e-5), "real[4x5]*0.5 static", {"weight": (5,)}, "real[4x5] static"),
    ],
)
def test_result_types(op, operand: str, params: dict, result: str):
    assert str(op.infer((parse_type(operand),), params)) == result


@pytest.mark.parametrize(
    ("op", "params", "rule"),
    [
        (BatchNorm(2, 1e-5), {"mean": (5,)}, "batch_norm.axis"),
        (BatchNorm(0, 1e-5), {"mean": (5,)}, "batch_norm.shape"),
        (LayerNorm(1e-5), {"weight": (4,)}, "layer_norm.shape"),
    ],
)
def test_refused(op, params: dict, rule: str):
    with pytest.raises(CompileError) as error:
        op.infer((parse_type("real[4x5]"),), params)
    assert error.value.rule == f"ir.{rule}"
