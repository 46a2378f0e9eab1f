"""TF32 is off where products must be whole, and afterwards as it was."""

from __future__ import annotations

import pytest
import torch

from backends.reference.cuda.precision import whole_float32


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
