"""Convolutions by events equal torch's in float64, for all shapes, and are left alone where many inputs are active."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from backends.event_driven.convolution import event_convolution
from ir.ops.linear import Conv

pytest.importorskip("numba")


@given(st.data())
def test_convolutions_are_exact(data: st.DataObject):
    two = st.tuples(st.integers(1, 3), st.integers(1, 3))
    size, stride, gap, groups = data.draw(two), data.draw(two), data.draw(two), data.draw(st.integers(1, 3))
    pads = (data.draw(st.integers(0, 3)), data.draw(st.integers(0, 3)))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    weight = rng.integers(-300, 300, (groups * data.draw(st.integers(1, 9)), 3, *size))
    x = rng.integers(-9, 9, (2, 3 * groups, 8, 9)) * (rng.random((2, 3 * groups, 8, 9)) < data.draw(st.floats(0, 1)))
    found = event_convolution(Conv(stride, pads, gap, groups), weight, (8, 9))
    assert found is not None
    y = found.convolve(x.astype(np.float32), np.inf)
    assert y is not None
    operands = torch.from_numpy(x).double(), torch.from_numpy(weight).double()
    wanted = functional.conv2d(*operands, None, stride, pads, gap, groups)
    assert np.array_equal(y.transpose(0, 3, 1, 2), wanted.numpy())


def test_active_images_are_left_to_others():
    found = event_convolution(Conv((1, 1), (1, 1), (1, 1)), np.ones((16, 4, 3, 3), np.int8), (20, 20))
    assert found is not None
    few, many = np.zeros((1, 4, 20, 20), np.float32), np.ones((1, 4, 20, 20), np.float32)
    few[0, 0, 5, 5] = 1
    assert found.convolve(few, 50_000) is not None
    assert found.convolve(many, 50_000) is None
    assert found.convolve(few, 100) is None
