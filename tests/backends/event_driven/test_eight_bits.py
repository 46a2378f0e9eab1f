"""What fits into eight bits, powers of two that a row or all weights share apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.event_driven.eight_bits import MOST_SHIFT, common_shift, fits, mantissas


@pytest.mark.parametrize(
    ("weights", "shift", "fit"),
    [
        ([0], 0, True),
        ([127, -128], 0, True),
        ([128, 1], 0, False),
        ([254, -256], 1, True),
        ([-129], 0, False),
        ([4, 8], 2, True),
    ],
)
def test_what_fits_into_bytes(weights, shift, fit):
    weight = np.array([weights])
    assert common_shift(weight) == shift
    assert fits(weight) == fit


@given(st.lists(st.integers(-(1 << 24), 1 << 24), min_size=1, max_size=5), st.integers(0, 9))
def test_the_shift_is_the_largest_that_loses_nothing(weights: list[int], more: int):
    weight = np.array([weights]) << more
    shift = common_shift(weight)
    assert np.array_equal(weight >> shift << shift, weight)
    if weight.any():
        assert (weight % (2 << shift)).any()
    else:
        assert shift == 0


def test_no_power_of_two_beyond_the_largest_counts():
    assert fits(np.array([[127 << MOST_SHIFT, -128 << MOST_SHIFT]]))
    assert not fits(np.array([[127 << (MOST_SHIFT + 1)]])), "float32 sums of such weights would round"
    assert fits(np.zeros((2, 3), np.int64))
    assert fits(np.zeros((0, 3), np.int64))


@pytest.mark.parametrize("shape", [(5, 7), (5, 2, 3, 3), (1, 4)])
def test_a_row_may_have_a_power_of_two_of_its_own(shape: tuple[int, ...]):
    rng = np.random.default_rng(len(shape))
    exponents = rng.integers(0, 8, shape[0]).reshape(-1, *(1,) * (len(shape) - 1))
    weight = rng.integers(-128, 128, shape) * 4 << exponents
    bytes_, shared, of_rows = mantissas(weight)
    assert fits(weight)
    assert bytes_.dtype == np.int8
    factors = shared * (np.ones(shape[0], np.int64) if of_rows is None else of_rows)
    assert np.array_equal(bytes_ * factors.reshape(exponents.shape), weight)


def test_rows_that_share_all_their_powers_of_two_have_none_of_their_own():
    assert mantissas(np.array([[4, 12], [20, 0], [0, 0]]))[1:] == (4, None)
