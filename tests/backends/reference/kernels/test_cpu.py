"""The processor's kernels: which products go in bytes and by events, and counts by numba that equal plain torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from backends.reference.kernels import compiled_kernels, int8
from backends.reference.kernels import cpu as cpu_module
from backends.reference.kernels.cpu import CpuKernels, NumbaKernels, cpu_kernels
from backends.reference.kernels.device_kernels import DeviceKernels, WeightedProjection
from backends.reference.kernels.int8 import is_exact
from backends.reference.kernels.weighted_products import SourceSum
from ir.ops.linear import Conv, Linear


@pytest.mark.parametrize(
    ("op", "kernels", "image"),
    [
        (Conv((2, 3), (0, 2), (1, 1)), (2, 4, 1, 1), (4, 1, 1)),  # oneDNN crashes
        (Conv((1, 3), (0, 0), (1, 1), groups=3), (24, 1, 1, 3), (3, 7, 4)),  # and errs
    ],
)
def test_what_onednn_cannot_convolve_is_left_to_float32(op, kernels, image):
    assert not int8.can_convolve(op, kernels)
    rng = np.random.default_rng(0)
    weight = rng.integers(-128, 128, kernels)
    own = torch.from_numpy(weight).float()
    x = torch.from_numpy(rng.integers(0, 2, (2, 3, *image)).astype(np.uint8))
    product = cpu_kernels().product(WeightedProjection(op, SourceSum(("x",), None), weight, own, True))
    wanted = functional.conv2d(
        x.flatten(0, 1).double(), own.double(), None, op.stride, op.padding, op.dilation, op.groups
    )
    assert torch.equal(product.current(lambda _: x).flatten(0, 1).double(), wanted)


def product_of(weight: np.ndarray, op: Linear | Conv):
    return cpu_kernels().product(
        WeightedProjection(op, SourceSum(("x",), None), weight, torch.from_numpy(weight).float(), True)
    )


@pytest.mark.skipif(not is_exact(), reason="this processor does not sum bytes exactly")
def test_weights_of_eight_bits_are_packed_where_bytes_are_exact(monkeypatch: pytest.MonkeyPatch):
    narrow, wide = np.ones((3, 5), np.int64), np.array([[300, 1]])
    assert product_of(narrow, Linear()).packed is not None
    assert product_of(wide, Linear()).packed is None
    kernels = np.ones((4, 2, 3, 3), np.int64)
    inside, outside = Conv((1, 1), (1, 1), (1, 1)), Conv((1, 1), (3, 3), (1, 1))
    assert product_of(kernels, inside).packed is not None
    assert product_of(kernels, outside).packed is None, "windows that lie wholly in the padding"
    monkeypatch.setattr(cpu_module, "is_exact", lambda: False)
    assert product_of(narrow, Linear()).packed is None
    assert product_of(kernels, inside).packed is None


def test_events_need_eight_bits_and_numba():
    pytest.importorskip("numba")
    assert product_of(np.ones((3, 5), np.int64), Linear()).events is not None
    assert product_of(np.array([[300, 1]]), Linear()).events is None


def test_without_numba_neurons_are_torchs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cpu_module, "compiled_kernels", lambda: None)
    assert type(cpu_kernels()) is CpuKernels


@pytest.fixture
def numba_kernels() -> NumbaKernels:
    pytest.importorskip("numba")
    return NumbaKernels(compiled_kernels())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.float32])
def test_counts_are_plain_torchs(numba_kernels: NumbaKernels, dtype: torch.dtype):
    rng, plain = np.random.default_rng(0), DeviceKernels()
    x = torch.from_numpy(rng.integers(0, 3, (3, 2, 4, 6, 5))).to(dtype)
    for value in (x, x.transpose(2, 3), x[:, :1].expand(3, 7, 4, 6, 5)):
        assert numba_kernels.nonzero(value) == int(plain.nonzero(value))
        assert numba_kernels.active(value) == int(plain.active(value))
    a, b = (torch.from_numpy(rng.integers(0, 2, shape)).float() for shape in ((3, 4, 5), (3, 5, 6)))
    assert numba_kernels.product_nonzero(a, b) == int(plain.product_nonzero(a, b)) == int((a @ b).sum())


@pytest.mark.parametrize(
    ("op", "weight"), [(Conv((2, 1), (1, 0), (1, 2)), (3, 4, 2, 3)), (Conv((1, 2), (0, 1), (1, 1), 2), (4, 2, 3, 2))]
)
def test_reached_targets_are_those_of_weights_of_one(numba_kernels: NumbaKernels, op: Conv, weight: tuple[int, ...]):
    x = torch.from_numpy((np.random.default_rng(0).random((3, 2, 4, 6, 5)) < 0.4).astype(np.uint8))
    ones = functional.conv2d(
        x.flatten(0, 1).double(), torch.ones(weight).double(), None, op.stride, op.padding, op.dilation, op.groups
    )
    last = x.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    for laid in (x, last, x.transpose(0, 1).contiguous().transpose(0, 1)):
        assert (
            int(numba_kernels.reached(op, weight, laid)) == int(DeviceKernels().reached(op, weight, laid)) == ones.sum()
        )
