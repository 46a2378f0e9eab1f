"""The self-test passes an exact device, and one that rounds, saturates or fails is found out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from backends.reference.cuda import products, self_test

CPU = torch.device("cpu")


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
