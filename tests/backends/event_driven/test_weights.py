"""Products by events equal whole numbers', however many events, targets and strips of them there are."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.event_driven import weights
from backends.event_driven.weights import EventWeights, dense_ns, event_weights

pytest.importorskip("numba")
FOREVER = 1e99


def prepared(weight: np.ndarray) -> EventWeights:
    found = event_weights(weight)
    assert found is not None
    return found


@given(
    st.integers(1, 12),
    st.integers(1, 700),
    st.integers(1, 40),
    st.sampled_from([1, 3, 16, 1024]),
    st.integers(0, 6),
    st.sampled_from([0.0, 0.02, 0.3, 1.0]),
    st.sampled_from([np.uint8, np.int8, np.float32]),
    st.integers(1, 4),
    st.booleans(),
    st.integers(0, 999),
)
def test_products_are_exact(rows, inputs, outputs, width, shift, rate, kind, most, extreme, seed):
    rng = np.random.default_rng(seed)
    weight = rng.choice([-128, 127], (outputs, inputs)) if extreme else rng.integers(-128, 128, (outputs, inputs))
    shifts = shift if seed % 2 else rng.integers(0, shift + 1, (outputs, 1))
    low = 1 if kind == np.uint8 else -most
    x = (rng.random((rows, inputs)) < rate) * rng.integers(low, most + 1, (rows, inputs))
    with patch.object(weights, "WIDTH", width), patch.object(weights, "ROWS", rows // 2 + 1):
        found = prepared(weight << shifts).product(x.astype(kind), FOREVER)
    assert found is not None
    assert found.dtype == np.float32
    wanted = x @ (weight << shifts).T
    assert np.array_equal(found[np.abs(wanted) <= 1 << 24], wanted[np.abs(wanted) <= 1 << 24])


@pytest.mark.parametrize(("kind", "payload"), [(np.uint8, 1), (np.int8, -128), (np.int8, 127), (np.float32, 129)])
@pytest.mark.parametrize("extreme", [-128, 127])
def test_sums_stay_exact_at_the_largest_weights(kind, payload, extreme):
    inputs = 1000
    x = np.full((1, inputs), payload, kind)
    found = prepared(np.full((3, inputs), extreme)).product(x, FOREVER)
    assert found is not None
    assert found.tolist() == [[inputs * payload * extreme] * 3]


def test_values_keep_their_leading_axes():
    x = np.zeros((2, 3, 4, 5), np.uint8)
    x[1, 2, 3, 4] = 2
    found = prepared(np.arange(15).reshape(3, 5)).product(x, FOREVER)
    assert found is not None
    assert found.shape == (2, 3, 4, 3)
    assert found[1, 2, 3].tolist() == [8, 18, 28]
    assert np.count_nonzero(found) == 3


def test_active_inputs_are_left_to_dense_products():
    ones = prepared(np.ones((512, 512), np.int8))
    few, many = np.zeros((64, 512), np.uint8), np.ones((64, 512), np.uint8)
    few[:, ::10] = 1
    price = dense_ns(few.size * 512, bytewise=True)
    found = ones.product(few, price)
    assert found is not None
    assert (found == 52).all()
    assert ones.product(many, price) is None
    assert ones.product(few[:1], 0.0) is None, "not even the call is free"


def test_weights_of_more_bits_have_no_such_products():
    assert event_weights(np.array([[300, 1]])) is None
    assert event_weights(np.array([[300, 4]])) is not None, "a power of two is shared"
