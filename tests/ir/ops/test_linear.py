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


SPREAD = [
    (Conv((1, 2), (1, 0), (1, 2), 2, spread=(3, 2), extra=(0, 1)), (2, 2, 2, 3)),
    (Conv((1,), (0,), (2,), extra=(3,)), (3, 4, 2)),
    (Conv((2, 1, 1), (0, 1, 2), (1, 1, 1), 4, spread=(1, 2, 1)), (8, 1, 2, 1, 3)),
]


@pytest.mark.parametrize(("op", "shape"), SPREAD)
def test_zeros_between_and_behind_elements(op: Conv, shape: tuple[int, ...], dyadic, run):
    """The convolution of an image that has the zeros; synapses are the taps that meet an element."""
    sizes, rank = (4, 3, 2)[: len(shape) - 2], len(shape) - 2
    x, weight = dyadic(2, 3, 4, *sizes), dyadic(*shape)
    convolve = (torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d)[rank - 1]

    def spread(array: np.ndarray, kernels: np.ndarray) -> np.ndarray:
        axes = list(zip(array.shape[-rank:], op.gaps, op.padding, op.ends, strict=True))
        wide = np.zeros((*array.shape[:-rank], *(pad + (n - 1) * gap + 1 + pad + end for n, gap, pad, end in axes)))
        for place in np.ndindex(array.shape[-rank:]):
            there = tuple(pad + at * gap for at, (_, gap, pad, _) in zip(place, axes, strict=True))
            wide[(..., *there)] = array[(..., *place)]
        flat = torch.from_numpy(wide).reshape(-1, *wide.shape[-rank - 1 :])
        y = convolve(flat, torch.from_numpy(kernels).double(), None, op.stride, 0, op.dilation, op.groups)
        return y.reshape(*array.shape[: -rank - 1], *y.shape[1:]).numpy()

    assert np.array_equal(run(op, {"weight": weight}, x), spread(x, weight))
    assert np.array_equal(run(op, {"weight": weight.astype(np.float64)}, x.astype(np.float64)), spread(x, weight))
    taps = spread(np.ones((1, 4, *sizes)), np.ones(shape)).sum()
    assert op.synapses((Type((4, *sizes), SPIKE),), {"weight": shape}) == int(taps)


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
        (Conv((1,), (0,), (1,), spread=(2, 2)), "spike[3x4]", {"weight": (5, 3, 3)}, "conv.rank"),
        (Conv((1,), (0,), (1,), spread=(0,)), "spike[3x4]", {"weight": (5, 3, 3)}, "conv.zeros"),
        (Conv((1,), (-1,), (1,)), "spike[3x4]", {"weight": (5, 3, 3)}, "conv.zeros"),
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
