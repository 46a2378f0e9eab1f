"""Plain torch, which is exact on any device: counts of values and products, and what convolutions reach."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from backends.reference.kernels.device_kernels import DeviceKernels, WeightedProjection, device_fan_out
from backends.reference.kernels.values import OwnNumbers
from backends.reference.kernels.weighted_products import ConvolutionProduct, DenseProduct, SourceSum
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Conv, Linear

KERNELS = DeviceKernels()


def test_copies_are_multiplied_and_not_read():
    value = torch.tensor([0, 3, 0, 7]).reshape(1, 1, 4, 1)
    reads: list[int] = []

    class Counting(DeviceKernels):
        """Notes how many elements are read."""

        def nonzero(self, value: torch.Tensor):
            reads.append(value.numel())
            return super().nonzero(value)

    assert int(Counting().active(value.expand(1, 1, 4, 1000))) == 2000
    assert int(Counting().active(value)) == 2
    assert int(Counting().active(torch.zeros(1, 1, 0, 4))) == 0
    assert reads == [4, 4, 0]


def test_products_that_are_not_zero():
    rng = np.random.default_rng(0)
    a, b = rng.integers(-1, 2, (2, 3, 4)), rng.integers(0, 2, (2, 4, 5))
    one_by_one = sum(a[g, i, c] * b[g, c, n] != 0 for g, i, c, n in product(range(2), range(3), range(4), range(5)))
    assert int(KERNELS.product_nonzero(torch.from_numpy(a), torch.from_numpy(b))) == one_by_one


def test_counts_of_products_beyond_float32():
    """2^13 active elements on either side of every common one: 2^26 products, and one more that float32 could not add."""
    a, b = torch.ones(1, 1 << 13, 2), torch.ones(1, 2, 1 << 13)
    a[0, 1:, 1], b[0, 1, 1:] = 0, 0
    assert int(KERNELS.product_nonzero(a, b)) == (1 << 26) + 1


def test_a_spike_at_the_border_reaches_fewer_targets():
    op, weight = Conv((1, 1), (0, 0), (1, 1)), (5, 1, 2, 2)
    for place, targets in (((0, 0), 1), ((0, 1), 2), ((1, 1), 4), ((2, 2), 1)):
        x = torch.zeros(1, 1, 1, 3, 3)
        x[(0, 0, 0, *place)] = 1
        assert int(KERNELS.reached(op, weight, x)) == 5 * targets


def test_fan_outs_are_moved_once():
    op, device = Conv((1,), (0,), (1,)), torch.device("cpu")
    first = device_fan_out(op, (2, 1, 3), (9,), device)
    assert device_fan_out(op, (2, 1, 3), (9,), device) is first
    assert first.tolist() == [2, 4, 6, 6, 6, 6, 6, 4, 2]


@pytest.mark.parametrize(
    ("op", "shape", "kind"),
    [(Linear(), (3, 4), DenseProduct), (Conv((1,), (0,), (1,)), (3, 4, 2), ConvolutionProduct)],
)
def test_products_are_in_float32(op: Linear | Conv, shape: tuple[int, ...], kind: type):
    weight = np.arange(np.prod(shape)).reshape(shape)
    floats = torch.from_numpy(weight).float()
    prepared = KERNELS.product(WeightedProjection(op, SourceSum(("x",), None), weight, floats, True))
    assert isinstance(prepared, kind)
    assert prepared.packed is None
    assert prepared.weight is floats


def test_accumulators_are_the_narrowest_that_are_exact_and_nothing_steps():
    assert KERNELS.contraction_dtype(1 << 24) == torch.float32
    assert KERNELS.contraction_dtype((1 << 24) + 1) == torch.float64
    assert KERNELS.stepper(IntegerLif(4095, 0, 1, 6, 12, 24), (3,), OwnNumbers()) is None
