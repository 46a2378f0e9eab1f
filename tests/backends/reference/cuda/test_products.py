"""Products of bytes as CUDA takes them equal whole numbers'."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from backends.reference.cuda.products import ByteConvolution, ByteDense, ByteMatrix
from backends.reference.kernels.weighted_products import SourceSum
from ir.ops.linear import Conv

CPU = torch.device("cpu")
ONE = SourceSum(("x",), None)
QUIET = [HealthCheck.function_scoped_fixture]


@settings(suppress_health_check=QUIET)
@given(
    st.sampled_from([np.uint8, np.int8]),
    st.integers(1, 40),
    st.integers(1, 70),
    st.integers(1, 40),
    st.integers(0, 6),
    st.booleans(),
    st.integers(0, 999),
)
def test_products(kind, rows, inputs, outputs, shift, extreme, seed):
    rng, low, high = np.random.default_rng(seed), 0 if kind is np.uint8 else -128, 127
    weight = rng.choice([-128, 127], (outputs, inputs)) if extreme else rng.integers(-128, 128, (outputs, inputs))
    weight = weight << (shift if seed % 2 else rng.integers(0, shift + 1, (outputs, 1)))
    x = rng.choice([low, high], (2, rows, inputs)) if extreme else rng.integers(low, high + 1, (2, rows, inputs))
    product, given = ByteDense(ONE, weight, CPU), torch.from_numpy(x.astype(kind))
    wanted = x @ weight.T
    assert np.array_equal(product.current(lambda _: given).numpy(), wanted)
    assert np.array_equal(product.unscaled(lambda _: given).numpy().astype(np.int64) * product.scale, wanted)


@pytest.mark.parametrize(
    "cut", [(slice(1, None), slice(None)), (slice(None), slice(0, 8)), (slice(None, None, 2), slice(None))]
)
def test_operands_that_are_cut_out_of_others(cut):
    """Their first byte lies anywhere, their rows at any distance."""
    rng = np.random.default_rng(0)
    whole = torch.from_numpy(rng.integers(-128, 128, (65, 24)).astype(np.int8))
    x = whole[cut]
    weight = rng.integers(-128, 128, (5, x.shape[1]))
    assert np.array_equal(ByteMatrix(weight, CPU).product(x).numpy(), x.numpy().astype(np.int64) @ weight.T)


@settings(suppress_health_check=QUIET)
@given(st.data())
def test_convolutions(data):
    two = st.tuples(st.integers(1, 3), st.integers(1, 3))
    size, stride, gap = data.draw(two), data.draw(two), data.draw(two)
    pads = (data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2)))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    weight = rng.integers(-128, 128, (5, 3, *size)) << rng.integers(0, data.draw(st.integers(1, 3)), (5, 1, 1, 1))
    x = torch.from_numpy(rng.integers(0, 128, (2, 3, 3, 8, 9)).astype(np.uint8))
    if data.draw(st.booleans()):
        x = x.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    found = ByteConvolution(Conv(stride, pads, gap), ONE, weight, CPU).current(lambda _: x)
    wanted = functional.conv2d(x.flatten(0, 1).double(), torch.from_numpy(weight).double(), None, stride, pads, gap)
    assert torch.equal(found.double(), wanted.unflatten(0, (2, 3)))
