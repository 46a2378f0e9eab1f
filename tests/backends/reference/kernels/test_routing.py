"""Routes of tensors equal the operations that they stand for, and are views where only wires are renamed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backends.reference.kernels.routing import route_of
from ir.graph import GraphBuilder
from ir.ops import Add, Concat, Delay, Expand, Gather, Input, Permute, Reshape, Slice

STEPS = 5
VIEWS = [
    (Reshape((4, 1, 3)), (3, 4)),
    (Permute((1, 0)), (3, 4)),
    (Expand((3, 5, 4)), (3, 1, 4)),
    (Slice(1, 1, 3), (3, 4)),
]
OTHERS = [
    *((Concat(0), (3, 4), (2, 4)), (Add(), (3, 4), (3, 4)), (Delay(2), (3, 4)), (Delay(9), (3, 4))),
    *((Gather(axis, (2, 0, -1, 2, 1)), (3, 4)) for axis in (0, 1)),
]


def routed(op, *shapes, steps=None, dtype=None, kind=np.int64):
    """(what the route makes of random operands, what the operation does, the operands as tensors)."""
    rng, b = np.random.default_rng(0), GraphBuilder("g", STEPS)
    sources = [b.add(Input(f"spike[{'x'.join(map(str, shape))}]"), name=f"x{k}") for k, shape in enumerate(shapes)]
    arrays = {} if steps is None else {"steps": np.broadcast_to(steps, shapes[0]).copy()}
    node = b.build(
        {"y": b.add(op, *sources, name="y", params={key: b.param(key, a) for key, a in arrays.items()})}
    ).nodes["y"]
    values = tuple(rng.integers(0, 9, (STEPS, 2, *shape)).astype(kind) for shape in shapes)
    operands = tuple(torch.from_numpy(value) for value in values)
    params = {role: torch.from_numpy(array) for role, array in arrays.items()}
    result = route_of(node, params, dtype)(operands, STEPS)
    return result, op.run(values, arrays, STEPS), operands


@pytest.mark.parametrize("case", VIEWS, ids=lambda case: case[0].kind)
def test_renamed_wires_are_views(case):
    result, exact, (x,) = routed(*case)
    assert np.array_equal(result.numpy(), exact)
    assert result.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case[0].kind)
def test_all_others_are_their_definitions(case):
    result, exact, _ = routed(*case)
    assert np.array_equal(result.numpy(), exact)


@pytest.mark.parametrize("steps", [np.array([0, 1, 3, 1]), np.array([[4], [0], [2]]), np.array([7, 0, 7, 9]), 0])
def test_every_element_is_delayed_by_its_own_steps(steps):
    result, exact, _ = routed(Delay(), (3, 4), steps=steps)
    assert np.array_equal(result.numpy(), exact)
    assert result.numpy()[:, :, :, 1].any()


def test_operands_of_several_dtypes_meet_in_the_one_asked_for():
    result, exact, _ = routed(Add(), (3, 4), (3, 4), dtype=torch.float64, kind=np.uint8)
    assert result.dtype == torch.float64
    assert np.array_equal(result.numpy(), exact)
    assert routed(Add(), (3, 4), (3, 4), kind=np.uint8)[0].dtype == torch.uint8
    assert routed(Delay(2), (3, 4), dtype=torch.float64, kind=np.uint8)[0].dtype == torch.uint8, (
        "one operand stays as it is"
    )
