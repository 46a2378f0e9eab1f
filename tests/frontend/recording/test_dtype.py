"""The number type of a module: its parameters', else its inputs'; half precision is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from frontend.recording.dtype import HALF, dtype_of
from ir.errors import CompileError


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_parameters_decide(dtype: torch.dtype) -> None:
    assert dtype_of(nn.Linear(2, 2).to(dtype), [torch.ones(1, dtype=torch.float64)]) is dtype
    assert dtype_of(nn.BatchNorm1d(2, affine=False).to(dtype)) is dtype


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (torch.float64, torch.float64),
        (torch.float32, torch.float32),
        (torch.float16, torch.float32),
        (torch.uint8, torch.float32),
        (torch.bool, torch.float32),
    ],
)
def test_without_parameters_the_inputs_do(given: torch.dtype, expected: torch.dtype) -> None:
    assert dtype_of(nn.ReLU(), [torch.ones(1, dtype=given)]) is expected


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_is_refused_with_the_way_out(dtype: torch.dtype) -> None:
    with pytest.raises(CompileError, match=r"compile module.float\(\)") as caught:
        dtype_of(nn.Linear(2, 2).to(dtype))
    assert caught.value.rule == "import.dtype"
