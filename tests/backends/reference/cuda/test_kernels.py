"""Which of CUDA's kernels a device gets: those that proved to be exact on it, each for what it can hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backends.reference.cuda import kernels as kernels_module
from backends.reference.cuda.kernels import EXACT_FLOAT16, CudaKernels, cuda_kernels
from backends.reference.cuda.products import ByteConvolution, ByteDense
from backends.reference.kernels.device_kernels import WeightedProjection
from backends.reference.kernels.weighted_products import ConvolutionProduct, DenseProduct, SourceSum
from ir.errors import CompileError
from ir.ops.linear import Conv, Linear

CPU = torch.device("cpu")


@pytest.mark.usefixtures("simulated_cuda")
def test_the_kernels_of_a_device(monkeypatch: pytest.MonkeyPatch):
    assert cuda_kernels(CPU).description[0] == "int8 products"
    monkeypatch.setattr(kernels_module, "bytes_are_exact", lambda device: False)
    assert cuda_kernels(CPU).description == ("float32 products", "neurons in plain torch")
    monkeypatch.setattr(kernels_module, "floats_are_exact", lambda device: False)
    with pytest.raises(CompileError, match="does not sum whole numbers exactly"):
        cuda_kernels(CPU)


def test_float16_only_where_all_its_sums_are_exact():
    kernels = CudaKernels(CPU, True, True, None)
    assert kernels.contraction_dtype(EXACT_FLOAT16) == torch.float16
    assert kernels.contraction_dtype(EXACT_FLOAT16 + 1) == torch.float32
    assert kernels.contraction_dtype(1 << 24) == torch.float32
    assert kernels.contraction_dtype((1 << 24) + 1) == torch.float64
    assert CudaKernels(CPU, True, False, None).contraction_dtype(1) == torch.float32
    whole = torch.arange(-EXACT_FLOAT16, EXACT_FLOAT16 + 1)
    assert torch.equal(whole.to(torch.float16).long(), whole)


LINEAR, IMAGES = (4, 6), (4, 6, 3, 3)
PRODUCTS = {
    "a matrix": (Linear(), LINEAR, 127, True, True, ByteDense),
    "weights of more bits": (Linear(), LINEAR, 300, True, True, DenseProduct),
    "values of more bits": (Linear(), LINEAR, 127, False, True, DenseProduct),
    "a device that saturates": (Linear(), LINEAR, 127, True, False, DenseProduct),
    "images": (Conv((1, 1), (1, 1), (1, 1)), IMAGES, 127, True, True, ByteConvolution),
    "groups": (Conv((1, 1), (1, 1), (1, 1), 2), (4, 3, 3, 3), 127, True, True, ConvolutionProduct),
    "one axis": (Conv((1,), (1,), (1,)), (4, 6, 3), 127, True, True, ConvolutionProduct),
}


@pytest.mark.parametrize("case", PRODUCTS)
def test_products_of_bytes_where_bytes_hold_both_sides(case: str):
    op, shape, largest, in_int8, bytewise, kind = PRODUCTS[case]
    weight = np.ones(shape, np.int64)
    weight.flat[-1] = largest
    projection = WeightedProjection(op, SourceSum(("x",), None), weight, torch.from_numpy(weight).float(), in_int8)
    assert type(CudaKernels(CPU, bytewise, True, None).product(projection)) is kind
