"""Products of bytes as CUDA takes them equal whole numbers', and a device that rounds or saturates is found out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from backends.reference.cuda import products, self_test
from backends.reference.cuda.kernels import EXACT_FLOAT16, CudaKernels
from backends.reference.cuda.precision import whole_float32
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
    weight = (
        rng.choice([-128, 127], (outputs, inputs)) if extreme else rng.integers(-128, 128, (outputs, inputs))
    ) << shift
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
    weight = rng.integers(-128, 128, (5, 3, *size)) << data.draw(st.integers(0, 2))
    x = torch.from_numpy(rng.integers(0, 128, (2, 3, 3, 8, 9)).astype(np.uint8))
    if data.draw(st.booleans()):
        x = x.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    found = ByteConvolution(Conv(stride, pads, gap), ONE, weight, CPU).current(lambda _: x)
    wanted = functional.conv2d(x.flatten(0, 1).double(), torch.from_numpy(weight).double(), None, stride, pads, gap)
    assert torch.equal(found.double(), wanted.unflatten(0, (2, 3)))


def test_float16_only_where_all_its_sums_are_exact():
    kernels = CudaKernels(CPU, True, True, None)
    assert kernels.contraction_dtype(EXACT_FLOAT16) == torch.float16
    assert kernels.contraction_dtype(EXACT_FLOAT16 + 1) == torch.float32
    assert kernels.contraction_dtype(1 << 24) == torch.float32
    assert kernels.contraction_dtype((1 << 24) + 1) == torch.float64
    assert CudaKernels(CPU, True, False, None).contraction_dtype(1) == torch.float32
    whole = torch.arange(-EXACT_FLOAT16, EXACT_FLOAT16 + 1)
    assert torch.equal(whole.to(torch.float16).long(), whole)


def test_the_self_test_passes_an_exact_device():
    for test in (self_test.bytes_are_exact, self_test.halves_are_exact, self_test.floats_are_exact):
        assert self_test.holds(test, CPU)


@pytest.mark.parametrize("wrong", ["saturates", "rounds", "fails"])
def test_the_self_test_finds_a_device_that(wrong, monkeypatch):
    exact, bmm, linear = products._INT_MM, torch.bmm, functional.linear

    def broken(a, b):
        if wrong == "fails":
            raise RuntimeError("CUBLAS_STATUS_NOT_SUPPORTED")
        y = exact(a, b)
        return y.clamp(max=(1 << 23) - 1) if wrong == "saturates" else y.to(torch.bfloat16).to(torch.int32)

    def tf32(x):  # ten bits of a mantissa
        return torch.from_numpy((x.float().numpy().view(np.int32) & ~0x1FFF).view(np.float32)).to(x.dtype)

    monkeypatch.setattr(products, "_INT_MM", broken)
    monkeypatch.setattr(
        torch,
        "bmm",
        lambda a, b: bmm(tf32(a), tf32(b)) if a.dtype == torch.float32 else bmm(a, b) + (a.dtype == torch.float16),
    )
    monkeypatch.setattr(
        functional, "linear", lambda x, w: linear(tf32(x), tf32(w)) if x.dtype == torch.float32 else linear(x, w)
    )
    for test in (self_test.bytes_are_exact, self_test.halves_are_exact, self_test.floats_are_exact):
        assert not self_test.holds(test, CPU)


@pytest.mark.parametrize("chosen", ["highest", "high", "the new name"])
def test_tf32_is_off_inside_and_as_before_outside(chosen):
    matmul = torch.backends.cuda.matmul
    has_new = hasattr(matmul, "fp32_precision")
    if chosen == "the new name" and not has_new:
        pytest.skip("this torch has only the old name")
    try:
        if chosen == "the new name":
            matmul.fp32_precision = "tf32"
        else:
            torch.set_float32_matmul_precision(chosen)
        before = matmul.fp32_precision if has_new else matmul.allow_tf32
        with whole_float32():
            assert not matmul.allow_tf32  # raises where the two names disagree, as products do
            assert not has_new or matmul.fp32_precision == "ieee"
        assert (matmul.fp32_precision if has_new else matmul.allow_tf32) == before
        assert chosen == "the new name" or torch.get_float32_matmul_precision() == chosen
    finally:
        torch.set_float32_matmul_precision("highest")
