"""Constants of a network in float64: without axes where all elements are one value, stored once or many times."""

from __future__ import annotations

import numpy as np
import pytest

from frontend.nir.reading.network import float64_constant


@pytest.mark.parametrize(
    "array",
    [
        np.float32(0.1) * np.ones((2, 3), np.float32),
        np.broadcast_to(np.float32(0.1), (1 << 15, 1 << 15)),
        np.array(0.1, np.float32),
        np.array([0.1], np.float32),
    ],
)
def test_a_shared_value_has_no_axes(array: np.ndarray) -> None:
    constant = float64_constant(array)
    assert (constant.shape, constant.dtype) == ((), np.float64)
    assert float(constant) == float(np.float32(0.1))


def test_values_that_differ_keep_their_axes() -> None:
    array = np.array([[0.1, 0.1], [0.1, 0.2]], np.float32)
    constant = float64_constant(array)
    assert constant.dtype == np.float64
    np.testing.assert_array_equal(constant, array)
