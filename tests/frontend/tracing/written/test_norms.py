"""A batch norm as factor and term, against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import batch_norm

from frontend.tracing.written.norms import factor_and_term


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 4, 2)])
def test_factor_and_term_are_the_norm(affine: bool, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    x, mean, variance = torch.randn(shape), torch.randn(3), torch.rand(3)
    learned = {"weight": torch.randn(3), "bias": torch.randn(3)} if affine else {}
    found = factor_and_term((x, mean, variance), {**learned, "eps": 1e-3})
    assert found is not None
    torch.testing.assert_close(x * found[0] + found[1], batch_norm(x, mean, variance, **learned, eps=1e-3))


def test_statistics_of_the_batch_have_none() -> None:
    x = torch.rand(4, 3)
    assert factor_and_term((x, torch.zeros(3), torch.ones(3)), {"training": True}) is None
    assert factor_and_term((x, None, None), {}) is None
