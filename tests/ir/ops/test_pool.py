"""Pooling takes the largest value of every window, as torch does; of spikes it is OR."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir.errors import CompileError
from ir.ops import MaxPool
from ir.types import parse_type


def test_max_pool(x, assert_formula):
    def formula(x: np.ndarray) -> np.ndarray:
        before, after = (np.pad(x, ((0, 0), (0, 0), (0, 0), sides))[..., ::2] for sides in ((1, 0), (0, 1)))
        return np.maximum(before, after)

    assert_formula(MaxPool((2,), (2,), (1,), (1,)), formula, x)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"), [(2, 2, 0, 1), (3, 1, 1, 1), (2, 1, 0, 2), (3, 2, 1, 2)]
)
def test_two_axes_against_torch(kernel: int, stride: int, padding: int, dilation: int, assert_formula):
    x = np.random.default_rng(0).integers(-9, 9, (2, 3, 4, 7, 6)).astype(np.float32)
    op = MaxPool(*((n, n) for n in (kernel, stride, padding, dilation)))

    def formula(x: np.ndarray) -> np.ndarray:
        y = torch.nn.functional.max_pool2d(torch.from_numpy(x).flatten(0, 1), kernel, stride, padding, dilation)
        return y.reshape(2, 3, *y.shape[1:]).numpy()

    assert_formula(op, formula, x)
    assert op.infer((parse_type("graded<8>[4x7x6]"),), {}).shape == formula(x).shape[2:]


@pytest.mark.parametrize("extra", [(1, 0, 1), (0, 0, 1)])
def test_windows_that_reach_beyond_the_end(extra: tuple[int, ...], assert_formula):
    x = np.random.default_rng(0).integers(-9, 0, (2, 3, 2, 4, 3, 5)).astype(np.float32)
    op = MaxPool((2, 2, 3), (1, 2, 2), (0, 1, 1), (1, 1, 1), extra)

    def formula(x: np.ndarray) -> np.ndarray:
        sides = [(0, 0)] * 3 + [(pad, pad + end) for pad, end in zip(op.padding, extra, strict=True)]
        wide = np.pad(x, sides, constant_values=-np.inf)
        windows = np.lib.stride_tricks.sliding_window_view(wide, op.kernel, (3, 4, 5))
        return windows[:, :, :, :: op.stride[0], :: op.stride[1], :: op.stride[2]].max((-3, -2, -1))

    assert_formula(op, formula, x)


def test_a_pool_of_spikes_is_or_in_their_own_dtype():
    spikes = np.random.default_rng(1).integers(0, 2, (2, 3, 4, 6)).astype(np.uint8)
    y = MaxPool((2,), (2,), (0,), (1,)).run((spikes,), {}, 2)
    assert y.dtype == np.uint8
    assert np.array_equal(y, spikes[..., ::2] | spikes[..., 1::2])


@pytest.mark.parametrize(
    ("operand", "result"),
    [("spike[2x6]", "spike[2x3]"), ("count<3>[2x6]", "count<3>[2x3]"), ("current[2x6]", "real[2x3]")],
)
def test_only_spikes_and_counts_stay_what_they_are(operand: str, result: str):
    assert str(MaxPool((2,), (2,), (0,), (1,)).infer((parse_type(operand),), {})) == result


@pytest.mark.parametrize(
    ("op", "rule"),
    [
        (MaxPool((2, 2), (2,), (0,), (1,)), "max_pool.rank"),
        (MaxPool((2, 2), (2, 2), (0, 0), (1, 1)), "max_pool.shape"),
        (MaxPool((2,), (2,), (2,), (1,)), "max_pool.padding"),
        (MaxPool((9,), (2,), (0,), (1,)), "max_pool.size"),
        (MaxPool((2,), (2,), (0,), (1,), (1, 1)), "max_pool.rank"),
        (MaxPool((2,), (2,), (0,), (1,), (2,)), "max_pool.extra"),
    ],
)
def test_refused(op: MaxPool, rule: str):
    with pytest.raises(CompileError) as error:
        op.infer((parse_type("spike[2x6]"),), {})
    assert error.value.rule == f"ir.{rule}"
