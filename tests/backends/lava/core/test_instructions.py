"""Linear projections of a Lava step equal whole numbers', by events or dense."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest

from backends.event_driven.weights import EventWeights
from backends.lava.core import instructions
from backends.lava.core.instructions import integer_linear


@pytest.mark.parametrize("weights", [(-128, 128), (-2000, 2000)], ids=["eight bits", "more"])
@pytest.mark.parametrize("values", [(0, 2), (0, 4), (0, 300), (-128, 128)], ids=["spikes", "sums", "wide", "payloads"])
@pytest.mark.parametrize("rate", [0.0, 0.05, 1.0])
def test_linear_projections_equal_whole_numbers(weights, values, rate):
    rng = np.random.default_rng(1)
    weight = rng.integers(*weights, (70, 130))
    x = (rng.random((1, 3, 5, 130)) < rate) * rng.integers(*values, (1, 3, 5, 130))
    found = integer_linear(weight)(x.astype(np.float32))
    assert found.dtype == np.float32
    assert np.array_equal(found, x @ weight.T)


@pytest.mark.parametrize("weights", [128, 2000], ids=["eight bits", "more"])
def test_wide_payloads_that_are_small_are_multiplied_in_float32(weights):
    rng = np.random.default_rng(1)
    weight, x = rng.integers(-weights, weights, (7, 13)), rng.integers(-1000, 1000, (1, 2, 13))
    with patch.object(instructions, "dense_ns", return_value=0.0):
        found = integer_linear(weight)(x.astype(np.float64))
    assert found.dtype == np.float32, "in float64 the weights would be converted at every step"
    assert np.array_equal(found, x @ weight.T)


def test_values_may_be_views_and_read_only():
    weight = np.arange(12).reshape(3, 4)
    wide = np.broadcast_to(np.array([[[0], [1]]], np.float32), (1, 2, 4))
    assert integer_linear(weight)(wide).tolist() == [[[0, 0, 0], [6, 22, 38]]]


def test_few_active_inputs_need_no_dense_product():
    pytest.importorskip("numba")
    run = integer_linear(np.ones((64, 256), np.int8))
    with patch.object(instructions, "dense", side_effect=AssertionError("dense")):
        assert (run(np.eye(256, dtype=np.float32)) == 1).all()
        with pytest.raises(AssertionError, match="dense"):
            run(np.full((256, 256), 1000, np.float32))


@pytest.mark.parametrize(("most", "least", "kind"), [(3, 0, np.uint8), (4, 0, np.float32), (1, -1, np.float32)])
def test_only_few_events_each_are_added_one_by_one(most, least, kind):
    pytest.importorskip("numba")
    run = integer_linear(np.ones((8, 64), np.int8))
    x = np.zeros((1, 64), np.float32)
    x[0, :2] = most, least
    with patch.object(EventWeights, "product", autospec=True, side_effect=EventWeights.product) as product:
        assert (run(x) == most + least).all()
    assert product.call_args.args[1].dtype == kind
