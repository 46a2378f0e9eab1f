"""A feature axis presented as time: y[t] = x[.., t, ..]."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir.errors import CompileError
from ir.ops import UnfoldTime
from ir.types import REAL, Type


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_step_is_one_slice(axis: int) -> None:
    x = np.random.default_rng(0).normal(size=(1, 5, 3, 3, 3))
    y = UnfoldTime(axis).run((x,), {}, 3)
    assert UnfoldTime(axis).infer((Type((3, 3, 3), REAL, 1.0, True),), {}) == Type((3, 3))
    for step in range(3):
        np.testing.assert_array_equal(y[step], np.take(x[0], step, axis=axis + 1))
    np.testing.assert_array_equal(UnfoldTime(axis).run((torch.from_numpy(x),), {}, 3).numpy(), y)


def test_only_static_values_of_the_right_length() -> None:
    with pytest.raises(CompileError, match="without time"):
        UnfoldTime(0).infer((Type((3,)),), {})
    with pytest.raises(CompileError, match="no axis 1"):
        UnfoldTime(1).infer((Type((3,), REAL, 1.0, True),), {})
    with pytest.raises(CompileError, match="not 4 steps"):
        UnfoldTime(0).run((np.zeros((1, 2, 3)),), {}, 4)
