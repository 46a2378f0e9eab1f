"""Weighted sums: formulas, torch's convolution, and synapses counted by hand or by convolving ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir.errors import CompileError
from ir.ops import Conv, Linear, Sum, Synapse
from ir.ops.linear import weighted
from ir.types import SPIKE, Type, parse_type


def test_linear(x, dyadic, assert_formula):
    params = {"weight": dyadic(6, 5), "bias": dyadic(6)}
    assert_formula(Linear(), lambda x, weight, bias: np.einsum("tbni,oi->tbno", x, weight) + bias, x, params=params)


def test_unit_synapses_and_sums(x, assert_formula):
    assert_formula(Synapse(0.5), lambda x: x * 0.5, x)
    assert_formula(Sum((0,), 0.125), lambda x: x.sum(2, keepdims=True) / 8, x)
    assert_formula(Sum((0, 1)), lambda x: x.sum((2, 3), keepdims=True), x)


def test_a_linear_map_of_float32_is_torchs_own_to_the_last_bit():
    rng = np.random.default_rng(0)
    layer = torch.nn.Linear(512, 64)
    x = torch.as_tensor(rng.normal(size=(4, 8, 512)).astype(np.float32))
    params = {"weight": layer.weight.detach(), "bias": layer.bias.detach()}
    assert torch.equal(Linear().run((x,), params, 4), layer(x).detach())


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), [(1, 1, 1, 1), (2, 0, 1, 2), (1, 2, 2, 1)])
def test_conv_and_its_synapses(stride: int, padding: int, dilation: int, groups: int, run, dyadic):
    x = np.random.default_rng(7).integers(0, 2, (2, 3, 4, 7, 6)).astype(np.float32)
    weight = dyadic(2, 4 // groups, 3, 3)
    op = Conv((stride,) * 2, (padding,) * 2, (dilation,) * 2, groups)
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(x).flatten(0, 1), torch.from_numpy(weight), None, stride, padding, dilation, groups
    )
    assert np.array_equal(run(op, {"weight": weight}, x), expected.reshape(2, 3, *expected.shape[1:]).numpy())
    ones = torch.nn.functional.conv2d(
        torch.ones(1, 4, 7, 6), torch.ones(weight.shape), None, stride, padding, dilation, groups
    )
    assert op.synapses((Type((4, 7, 6), SPIKE),), {"weight": weight.shape}) == int(ones.sum())


@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 0, 1), (2, 1, 1), (1, 2, 2)])
def test_conv_over_one_axis_with_a_bias(stride: int, padding: int, dilation: int, assert_formula, dyadic):
    x = np.random.default_rng(1).integers(0, 2, (2, 3, 4, 7)).astype(np.float32)
    params = {"weight": dyadic(2, 4, 3), "bias": dyadic(2)}

    def formula(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
        y = torch.nn.functional.conv1d(
            *map(torch.from_numpy, (x.reshape(6, 4, 7), weight, bias)), stride, padding, dilation
        )
        return y.reshape(2, 3, *y.shape[1:]).numpy()

    assert_formula(Conv((stride,), (padding,), (dilation,)), formula, x, params=params)


def test_integers_are_summed_exactly_and_stay_integers():
    x = np.full(
        (1, 1, 2, 3), (1 << 20) + 1, np.int32
    )  # the sums are odd and beyond 2^24, where float32 has even numbers only
    y = Linear().run((x,), {"weight": np.full((1, 3), 127, np.int32)}, 1)
    assert (y.dtype, y.tolist()) == (np.int32, [[[[399507837], [399507837]]]])
    y = Conv((1,), (0,), (1,)).run((x[:, :, :1],), {"weight": np.full((1, 1, 3), 127, np.int32)}, 1)
    assert (y.dtype, y.tolist()) == (np.int32, [[[[399507837]]]])


def test_counts_by_hand():
    spikes = Type((36, 8), SPIKE)
    assert Linear().synapses((spikes,), {"weight": (5, 8)}) == 36 * 8 * 5
    assert Sum((0,)).synapses((spikes,), {}) == Synapse().synapses((spikes,), {}) == 288
    assert Synapse(micro=36).synapses((spikes,), {}) == 8
    assert Sum((0,), micro=36).synapses((spikes,), {}) == 8


def test_what_flows_in_decides_whether_the_sum_is_a_current():
    for text, result in (
        ("spike[3]", "current[5]"),
        ("graded<8>[3]*0.5", "current[5]"),
        ("real[3] static", "real[5] static"),
    ):
        assert str(weighted(parse_type(text), (5,))) == result


@pytest.mark.parametrize(
    ("op", "kind", "params", "rule"),
    [
        (Linear(), "spike[3x4]", {"weight": (5, 3)}, "linear.shape"),
        (Linear(), "spike[3x4]", {}, "linear.weight"),
        (Linear(), "spike[3x4]", {"weight": (5, 4), "bias": (4,)}, "linear.bias"),
        (Conv((1,), (0,), (1,)), "spike[3x4]", {"weight": (5, 2, 3)}, "conv.shape"),
        (Conv((1,), (0,), (1,)), "spike[3x4]", {"weight": (5, 3, 5)}, "conv.size"),
        (Conv((1, 1), (0,), (1,)), "spike[3x4]", {"weight": (5, 3, 3)}, "conv.rank"),
        (Sum((5,)), "spike[3x4]", {}, "sum.axes"),
        (Sum(()), "spike[3x4]", {}, "sum.axes"),
        (Sum((1,), micro=3), "spike[3x4]", {}, "sum.micro"),
        (Synapse(micro=2), "spike[3x4]", {}, "synapse.micro"),
    ],
)
def test_refused(op, kind: str, params: dict, rule: str):
    with pytest.raises(CompileError) as error:
        op.infer((parse_type(kind),), params)
    assert error.value.rule == f"ir.{rule}"
