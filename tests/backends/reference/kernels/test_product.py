"""Products of integers are exact below, at and beyond what float32 can hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backends.reference.kernels.product import accumulator, largest_term_sum, weighted_sum
from ir.analysis.ranges import EXACT_FLOAT32
from ir.graph import GraphBuilder, Node
from ir.ops import Conv, Input, Linear, Sum, Synapse


def projection(op, shape, weight=None) -> Node:
    b = GraphBuilder("g", 1)
    x = b.add(Input(f"graded<24>[{'x'.join(map(str, shape))}]"), name="x")
    params = {} if weight is None else {"weight": b.param("w", weight)}
    value = b.add(op, x, name="y", params=params)
    return b.build({"y": value}).nodes["y"]


def test_the_accumulator_widens_just_beyond_the_bound():
    assert accumulator(EXACT_FLOAT32) == torch.float32
    assert accumulator(EXACT_FLOAT32 + 1) == torch.float64


@pytest.mark.parametrize(
    ("op", "shape", "weights"),
    [
        (Linear(), (3, 5), (4, 5)),
        (Conv((2,), (1,), (1,)), (2, 7), (4, 2, 3)),
        (Conv((1, 2), (1, 0), (1, 2), groups=2), (4, 5, 6), (6, 2, 2, 2)),
        (Sum((0, 1), weight=-3), (2, 3, 4), None),
        (Synapse(7), (2, 3), None),
    ],
)
def test_every_projection_is_the_operations(op, shape, weights):
    rng = np.random.default_rng(0)
    weight = None if weights is None else rng.integers(-9, 9, weights)
    x = rng.integers(-9, 9, (2, 3, *shape))
    node = projection(op, shape, weight)
    wanted = op.run((x,), {} if weight is None else {"weight": weight}, 2)
    for kind in (torch.float32, torch.float64):
        tensor = None if weight is None else torch.from_numpy(weight).to(kind)
        found = weighted_sum(node, torch.from_numpy(x).to(kind), tensor)
        assert found.dtype == kind
        assert np.array_equal(found.numpy(), wanted)


def test_the_bound_at_hand_covers_every_partial_sum_and_little_more():
    x = np.random.default_rng(0).integers(-128, 128, (2, 5, 4096))
    exact = int(np.abs(x).sum(axis=-1).max()) * 127
    found = largest_term_sum(torch.from_numpy(x).float(), 127)
    assert exact <= found <= exact * 1.002


def test_the_bound_at_hand_knows_the_magnitude_of_the_smallest_byte():
    x = torch.full((1, 1, 5000), -128, dtype=torch.int8)
    assert largest_term_sum(x, 127) >= 128 * 127 * 5000 > EXACT_FLOAT32
