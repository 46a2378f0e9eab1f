"""Weights of a layer and the projection that they make, dense, convolutional and pooled: shapes, ranges, sums by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from frontend.netx.layers import NetLayer
from frontend.netx.synapses import NetSynapses, synapses_of
from ir.errors import CompileError
from ir.ops.linear import Conv, Linear

WINDOW = {"stride": np.array(1), "padding": np.array(0), "dilation": np.array(1)}


def synapses_from(kind: str, taken: tuple[int, ...], **entries: Any) -> NetSynapses:
    return synapses_of(NetLayer(0, kind, {key: np.asarray(value) for key, value in entries.items()}), taken)


def test_dense_weights_have_a_row_per_output() -> None:
    rows = np.arange(6).reshape(2, 3)
    for weight in (rows, rows.reshape(-1)):
        synapses = synapses_from("dense", (3,), shape=[2], weight=weight, inFeatures=3, outFeatures=2)
        assert isinstance(synapses.op, Linear)
        assert synapses.weight.tolist() == rows.tolist()
        assert synapses.recurrent is None
    recurrent = synapses_from("dense_rec", (3,), shape=[2], weight=rows, weight_rec=[1, 2, 3, 4]).recurrent
    assert recurrent is not None
    assert recurrent.tolist() == [[1, 2], [3, 4]]


def test_convolutions_are_torch_s() -> None:
    weight = np.arange(4 * 1 * 2 * 3).reshape(4, 1, 2, 3)
    entries = {**WINDOW, "stride": [2, 1], "groups": 2, "inChannels": 2, "outChannels": 4, "kernelSize": [2, 3]}
    synapses = synapses_from("conv", (2, 9, 8), weight=weight[..., None], **entries)
    assert synapses.op == Conv((2, 1), (0, 0), (1, 1), 2)
    assert synapses.weight.shape == (4, 1, 2, 3)


@pytest.mark.parametrize(("height", "width"), [(4, 6), (5, 6), (4, 7), (5, 7)])
def test_pools_see_what_slayer_appends(height: int, width: int) -> None:
    """A kernel of 2 x 3 on the image with (size mod kernel) rows and columns of zeros below and to the right."""
    kernel = np.arange(1, 7).reshape(1, 1, 2, 3)
    entries = {"stride": [2, 3], "padding": 0, "dilation": 1, "kernelSize": [2, 3]}
    synapses = synapses_from("pool", (2, height, width), weight=kernel, **entries)
    x = torch.arange(2.0 * height * width).reshape(1, 2, height, width)
    padded = F.pad(x, (0, width % 3, 0, height % 2))
    expected = F.conv2d(padded, torch.from_numpy(kernel).float().repeat(2, 1, 1, 1), None, (2, 3), groups=2)
    op, weight = synapses.op, torch.from_numpy(synapses.weight).float()
    assert isinstance(op, Conv)
    result = F.conv2d(x, weight, None, op.stride, op.padding, op.dilation, op.groups)
    assert torch.equal(result[:, :, : expected.shape[2], : expected.shape[3]], expected)
    assert result.shape == expected.shape


@pytest.mark.parametrize("weights", [[-128, 127], [-256, 254], [0, 255], [-256, 0], [-255, -3]])
def test_weights_that_fit_the_chip(weights: list[int]) -> None:
    assert synapses_from("dense", (2,), shape=[1], weight=weights).weight.tolist() == [weights]


KERNEL = np.ones((4, 2, 3, 3))
REFUSED: dict[str, tuple[str, tuple[int, ...], dict[str, Any], str, str]] = {
    "odd weight of both signs": ("dense", (2,), {"shape": [1], "weight": [-1, 129]}, "weight", "weights of -1..129"),
    "weight of nine bits": ("dense", (2,), {"shape": [1], "weight": [0, 256]}, "weight", "weights of 0..256"),
    "recurrent weight": (
        "dense_rec",
        (1,),
        {"shape": [1], "weight": [0], "weight_rec": [300]},
        "weight",
        "weights of 0..300",
    ),
    "image": ("dense", (2, 1, 1), {"shape": [1], "weight": [1, 2]}, "shape", "takes a vector, not (2, 1, 1)"),
    "inputs": ("dense", (3,), {"shape": [1], "weight": [1, 2]}, "shape", "does not connect 3 inputs to 1"),
    "inFeatures": ("dense", (2,), {"shape": [1], "weight": [1, 2], "inFeatures": 3}, "shape", "does not connect"),
    "outFeatures": ("dense", (2,), {"shape": [1], "weight": [1, 2], "outFeatures": 2}, "shape", "does not connect"),
    "rows": ("dense", (2,), {"shape": [2], "weight": [[1, 2]]}, "shape", "weight of shape (1, 2) has not 2 rows"),
    "part of a row": ("dense", (2,), {"shape": [2], "weight": [1, 2, 3]}, "shape", "(3,) has not 2 rows"),
    "square": (
        "dense_rec",
        (1,),
        {"shape": [2], "weight": [1, 2], "weight_rec": [[1], [2]]},
        "shape",
        "weight_rec has shape (2, 1), needs (2, 2)",
    ),
    "channels": ("conv", (3, 8, 8), {**WINDOW, "groups": 1, "weight": KERNEL}, "shape", "cannot take (3, 8, 8)"),
    "groups": ("conv", (2, 8, 8), {**WINDOW, "groups": 3, "weight": KERNEL}, "shape", "in 3 groups cannot take"),
    "outChannels": (
        "conv",
        (2, 8, 8),
        {**WINDOW, "groups": 1, "weight": KERNEL, "outChannels": 5},
        "shape",
        "outChannels contradict the kernel",
    ),
    "no kernel": ("conv", (2, 8, 8), {**WINDOW, "groups": 1, "weight": np.ones((4, 2, 3))}, "shape", "is no kernel"),
    "kernelSize": (
        "conv",
        (2, 8, 8),
        {**WINDOW, "groups": 1, "weight": KERNEL, "kernelSize": 2},
        "shape",
        "kernelSize contradicts",
    ),
    "pool of channels": ("pool", (2, 4, 4), {**WINDOW, "weight": KERNEL}, "shape", "a pooling kernel of shape"),
    "overlapping windows": (
        "pool",
        (2, 4, 4),
        {**WINDOW, "weight": np.ones((1, 1, 2, 2))},
        "pool",
        "windows that do not tile the height",
    ),
    "dilated remainder": (
        "pool",
        (2, 4, 5),
        {"stride": [2, 2], "padding": 0, "dilation": [1, 2], "weight": np.ones((1, 1, 2, 2))},
        "pool",
        "a dilated kernel of (2, 2) does not divide (4, 5)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_names_the_layer(case: str) -> None:
    kind, shape, entries, rule, what = REFUSED[case]
    with pytest.raises(CompileError) as caught:
        synapses_from(kind, shape, **entries)
    assert (caught.value.rule, caught.value.where) == (f"netx.{rule}", f"layer 0 ({kind})")
    assert what in caught.value.what
