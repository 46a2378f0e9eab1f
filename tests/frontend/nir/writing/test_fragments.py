"""The nodes that act on every element by itself: what they compute, and where there is none."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from frontend.nir.writing import fragments
from frontend.nir.writing.fragments import convolution, factor, full, identity, shifted


def test_numbers_and_arrays_of_exactly_a_shape() -> None:
    array = full(0.1, (2, 3), "float32")
    assert (array.shape, array.dtype) == ((2, 3), np.float32)
    assert (array == np.float32(0.1)).all()
    per_row = full(np.array([[1], [2]]), (2, 3), "float64")
    assert per_row.tolist() == [[1, 1, 1], [2, 2, 2]]
    assert per_row.flags.writeable, "an array of its own"


def test_factors() -> None:
    assert factor(0.5, (2,), "float32").scale.tolist() == [0.5, 0.5]
    assert identity((3,), "float64").scale.tolist() == [1, 1, 1]


def applied(node: Any, x: np.ndarray) -> np.ndarray:
    """What a node of NIR makes of (*shape)."""
    if isinstance(node, nir.Affine):
        return np.einsum("...oi,...i->...o", node.weight, x) + node.bias
    run = F.conv1d if isinstance(node, nir.Conv1d) else F.conv2d
    return run(torch.from_numpy(x)[None], torch.from_numpy(node.weight), torch.from_numpy(node.bias))[0].numpy()


@pytest.mark.parametrize(
    ("shape", "bias", "kind"),
    [
        ((4,), np.arange(4.0), nir.Affine),
        ((3, 4), np.arange(3.0).reshape(3, 1), nir.Conv1d),
        ((3, 4), np.array(2.0), nir.Conv1d),
        ((3, 4), np.arange(12.0).reshape(3, 4), nir.Affine),
        ((3, 2, 2), np.arange(3.0).reshape(3, 1, 1), nir.Conv2d),
        ((3, 2, 2), np.arange(12.0).reshape(3, 2, 2), nir.Affine),
        ((2, 2, 2, 2), np.array(1.0), nir.Affine),
    ],
)
def test_a_shift_by_the_smallest_node_that_has_a_bias(shape: tuple[int, ...], bias: np.ndarray, kind: type) -> None:
    node = shifted(-0.5, bias, shape, "float32")
    assert type(node) is kind
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    np.testing.assert_allclose(applied(node, x), -0.5 * x + bias, rtol=1e-6)


def test_what_is_too_large_or_has_no_axes_has_no_shift(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shifted(1.0, np.array(1.0), (), "float32") is None
    monkeypatch.setattr(fragments, "MAX_COPIES", 16)
    assert shifted(1.0, np.array(1.0), (4,), "float32") is not None
    assert shifted(1.0, np.array(1.0), (5,), "float32") is None
    assert shifted(1.0, np.array(1.0), (4, 100), "float32") is not None, "a convolution of 4 x 4 taps"
    assert shifted(1.0, np.array(1.0), (5, 100), "float32") is None
    assert shifted(1.0, np.arange(10.0).reshape(5, 2), (5, 2), "float32") is None


def test_convolutions_of_one_and_two_axes() -> None:
    weight, bias = np.ones((2, 1, 3), np.float32), np.zeros(2, np.float32)
    one = convolution((9,), weight, (2,), (1,), (3,), bias, 1)
    assert isinstance(one, nir.Conv1d)
    assert (one.input_shape, one.stride, one.padding, one.dilation, one.groups) == (9, 2, 1, 3, 1)
    two = convolution((9, 8), weight[..., None], (2,), (1,), (1,), bias)
    assert isinstance(two, nir.Conv2d)
    assert [tuple(np.broadcast_to(value, 2)) for value in (two.input_shape, two.stride, two.padding)] == [
        (9, 8),
        (2, 2),
        (1, 1),
    ]
    assert convolution((9, 8), weight[..., None], (1,), "same", (1,), bias).padding == "same"
