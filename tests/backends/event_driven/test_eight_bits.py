"""What fits into eight bits, powers of two that all weights share apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.event_driven.eight_bits import MOST_SHIFT, common_shift, fits


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
