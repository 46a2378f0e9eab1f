"""Products that are never written out equal those that are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backends.reference.kernels.contraction import Factors
from backends.reference.kernels.cpu import cpu_kernels
from backends.reference.kernels.device_kernels import DeviceKernels

AXES = st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True).map(lambda axes: tuple(sorted(axes)))


@st.composite
def factors(draw):
    """(a, b, shape, axes): two factors, each with length 1 along some axes of a product of that shape."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=4, max_size=4)))
    rng = np.random.default_rng(draw(st.integers(0, 999)))

    def factor():
        varies = draw(st.lists(st.booleans(), min_size=4, max_size=4))
        own = [n if vary else 1 for n, vary in zip(shape, varies, strict=True)]
        return torch.from_numpy(rng.integers(-2, 3, (2, 3, *own)))

    return factor(), factor(), shape, draw(AXES)


@given(factors())
def test_contracted_sum_is_the_sum_of_the_product(case):
    a, b, shape, axes = case
    product = (a * b).expand(2, 3, *shape)
    wanted = product.sum(dim=[axis + 2 for axis in axes], keepdim=True)
    assert torch.equal(Factors.of(a, b, shape, axes, torch.float64).total(axes), wanted.double())


@pytest.mark.parametrize("way", ["compiled", "torch"])
@given(factors())
def test_contracted_activity_counts_the_product(way, case):
    a, b, shape, axes = case
    kernels = cpu_kernels() if way == "compiled" else DeviceKernels()
    found = int(Factors.of(a, b, shape, axes, torch.float32).active(kernels))
    assert found == int(torch.count_nonzero((a * b).expand(2, 3, *shape)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_accumulator_is_the_one_asked_for(dtype):
    one = torch.ones(1, 1, 2, dtype=torch.uint8)
    assert Factors.of(one, one, (2,), (0,), dtype).total((0,)).dtype == dtype
