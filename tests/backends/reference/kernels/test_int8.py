"""Products of bytes equal whole numbers', at the edges of their range too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from backends.event_driven.eight_bits import fits
from backends.reference.kernels import int8
from backends.reference.kernels.int8 import Int8Kernels, Int8Points, Int8Weights, int8_kernels, is_exact
from ir.ops.linear import Conv

pytestmark = pytest.mark.skipif(not is_exact(), reason="this processor does not sum bytes exactly")


@given(
    st.sampled_from([np.uint8, np.int8]),
    st.integers(1, 40),
    st.integers(1, 300),
    st.integers(1, 40),
    st.integers(0, 6),
    st.booleans(),
    st.integers(0, 999),
)
def test_products_are_exact(kind, rows, inputs, outputs, shift, extreme, seed):
    rng, span = np.random.default_rng(seed), np.iinfo(kind)
    weight = rng.choice([-128, 127], (outputs, inputs)) if extreme else rng.integers(-128, 128, (outputs, inputs))
    weight = weight << (shift if seed % 2 else rng.integers(0, shift + 1, (outputs, 1)))
    x = (
        rng.choice([span.min, span.max], (rows, inputs))
        if extreme
        else rng.integers(span.min, span.max, (rows, inputs))
    )
    assert fits(weight)
    found = Int8Weights(weight).product(torch.from_numpy(x.astype(kind)))
    wanted = x @ weight.T
    assert found.dtype == torch.float32
    assert np.array_equal(found.numpy()[np.abs(wanted) <= 1 << 24], wanted[np.abs(wanted) <= 1 << 24])


@given(st.data())
def test_convolutions_are_exact(data: st.DataObject):
    two = st.tuples(st.integers(1, 3), st.integers(1, 3))
    size, stride, gap, groups = data.draw(two), data.draw(two), data.draw(two), data.draw(st.integers(1, 3))
    pads = (data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2)))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    weight = rng.integers(-128, 128, (groups * 2, 3, *size))
    weight = weight << rng.integers(0, data.draw(st.integers(1, 3)), (groups * 2, 1, 1, 1))
    x = torch.from_numpy(rng.integers(0, 256, (5, 3 * groups, 8, 9)).astype(np.uint8))
    found = Int8Kernels(Conv(stride, pads, gap, groups), weight).convolve(x)
    wanted = functional.conv2d(x.double(), torch.from_numpy(weight).double(), None, stride, pads, gap, groups)
    assert torch.equal(found.double(), wanted)


@given(st.integers(1, 2), st.tuples(st.integers(1, 3), st.integers(1, 3)), st.booleans(), st.integers(0, 999))
def test_convolutions_of_one_pixel_are_exact(axes: int, strides: tuple[int, int], last: bool, seed: int) -> None:
    rng, stride = np.random.default_rng(seed), strides[:axes]
    weight = rng.integers(-128, 128, (5, 3, *[1] * axes)) << rng.integers(0, 3, (5, *[1] * (axes + 1)))
    x = torch.from_numpy(rng.integers(0, 256, (4, 3, 8, 9)[: axes + 2]).astype(np.uint8))
    x = x.contiguous(memory_format=torch.channels_last) if last and axes == 2 else x
    kernels = int8_kernels(Conv(stride, (0,) * axes, (1,) * axes), weight)
    assert isinstance(kernels, Int8Points)
    convolve = functional.conv1d if axes == 1 else functional.conv2d
    assert torch.equal(
        kernels.convolve(x).double(), convolve(x.double(), torch.from_numpy(weight).double(), None, stride)
    )


@pytest.mark.parametrize("op", [Conv((1, 1), (1, 0), (1, 1)), Conv((1, 1), (0, 0), (1, 1), 3)])
def test_padded_or_grouped_kernels_are_no_points(op: Conv) -> None:
    kernels = int8_kernels(op, np.ones((3, 2, 1, 1), np.int64))
    assert not isinstance(kernels, Int8Points)


def test_a_processor_that_saturates_is_found_out(monkeypatch):
    exact = Int8Weights.product
    monkeypatch.setattr(Int8Weights, "product", lambda self, x: exact(self, x).clamp(max=2.0**23))
    assert not int8.is_exact.__wrapped__()
