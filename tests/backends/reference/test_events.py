"""Products by events equal whole numbers', however many events, targets and strips of them there are."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backends.reference import events
from backends.reference.cpu import cpu_forms
from backends.reference.dense import Dense
from backends.reference.events import EventWeights, dense_ns
from backends.reference.plan import plan_of
from backends.reference.store import Store
from ir.graph import GraphBuilder
from ir.ops import Input, Linear
from ir.ops.loihi import LoihiLif

kernels = pytest.importorskip("backends.reference.kernels")
FOREVER = 1e99


@given(
    st.integers(1, 12), st.integers(1, 700), st.integers(1, 40), st.sampled_from([1, 3, 16, 1024]), st.integers(0, 6),
    st.sampled_from([0.0, 0.02, 0.3, 1.0]), st.integers(1, 4), st.booleans(), st.integers(0, 999),
)  # fmt: skip
def test_products_are_exact(rows, inputs, outputs, width, shift, rate, most, extreme, seed):
    rng = np.random.default_rng(seed)
    weight = rng.choice([-128, 127], (outputs, inputs)) if extreme else rng.integers(-128, 128, (outputs, inputs))
    x = (rng.random((rows, inputs)) < rate) * rng.integers(1, most + 1, (rows, inputs))
    with patch.object(events, "WIDTH", width):
        found = EventWeights(weight << shift, kernels).product(torch.from_numpy(x.astype(np.uint8)), FOREVER)
    assert found is not None
    assert found.dtype == torch.float32
    assert np.array_equal(found.numpy(), x @ weight.T << shift)


def test_sixteen_bits_hold_all_that_is_added_before_they_are_emptied():
    inputs = 1000
    x = torch.ones((1, inputs), dtype=torch.uint8)
    for extreme in (-128, 127):
        found = EventWeights(np.full((3, inputs), extreme), kernels).product(x, FOREVER)
        assert found is not None
        assert found.tolist() == [[inputs * extreme] * 3]


def test_active_inputs_are_left_to_dense_products():
    weights = EventWeights(np.ones((512, 512), np.int8), kernels)
    few, many = torch.zeros((64, 512), dtype=torch.uint8), torch.ones((64, 512), dtype=torch.uint8)
    few[:, ::10] = 1
    price = dense_ns(few.numel() * 512, bytewise=True)
    found = weights.product(few, price)
    assert found is not None
    assert (found == 52).all()
    assert weights.product(many, price) is None
    assert weights.product(few[:1], 0.0) is None, "not even the call is free"


@pytest.mark.parametrize(("weight", "fit"), [(127, True), (300, False)])
def test_the_store_prepares_them_where_weights_are_bytes(weight, fit):
    b = GraphBuilder("g", 2)
    wide = b.param("w", np.array([[weight, 1, 1, 1]] * 3, np.int16))
    current = b.add(Linear(), b.add(Input("spike[4]"), name="x"), name="current", params={"weight": wide})
    graph = b.build({"y": b.add(LoihiLif(4095, 4095, 10, 6, 12, 24), current, name="lif")})
    product = Store(plan_of(graph, frozenset()), torch.device("cpu"), cpu_forms()).product(("current",))
    assert isinstance(product, Dense)
    assert (product.events is not None) == fit
