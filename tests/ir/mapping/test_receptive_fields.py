"""Receptive fields against one active element at a time, sent through weights of one."""

from __future__ import annotations

import numpy as np
import pytest

from ir.graph import GraphBuilder
from ir.mapping.connections import Connection, connections_of
from ir.mapping.receptive_fields import UNREAD, receptive_fields
from ir.ops import Conv, Graded, Input, Linear, Sum, Synapse
from ir.ops.base import Op

CASES: dict[str, tuple[Op, tuple[int, ...], tuple[int, ...] | None]] = {
    "tokens": (Linear(), (2, 3, 4), (5, 4)),
    "vector": (Linear(), (4,), (3, 4)),
    "synapses": (Synapse(), (2, 3), None),
    "sum": (Sum((0, 2)), (2, 3, 4), None),
    "strided": (Conv((2, 1), (1, 0), (1, 2)), (2, 5, 6), (3, 2, 3, 2)),
    "grouped": (Conv((1,), (2,), (1,), groups=2), (4, 5), (6, 2, 3)),
    "transposed": (Conv((1, 1), (2, 1), (1, 1), spread=(2, 3), extra=(1, 0)), (1, 3, 2), (2, 1, 3, 3)),
}


def connection(op: Op, shape: tuple[int, ...], weight: tuple[int, ...] | None) -> Connection:
    b = GraphBuilder("one", 1)
    x = b.add(Input(f"spike[{'x'.join(map(str, shape))}]"), name="x")
    params = {} if weight is None else {"weight": b.param("w", np.ones(weight, np.int8))}
    graph = b.build({"y": b.add(Graded(8), b.add(op, x, name="p", params=params), name="y")})
    (found,) = connections_of(graph).into["y"]
    return found


@pytest.mark.parametrize("name", CASES)
def test_elements_are_read_where_they_arrive(name: str):
    op, shape, weight = CASES[name]
    made = connection(op, shape, weight)
    fields = receptive_fields(made)
    ones = {} if made.weight is None else {"weight": np.ones(made.weight.shape)}
    for element in range(int(np.prod(shape))):
        alone = np.zeros(int(np.prod(shape)))
        alone[element] = 1
        arrives = op.run((alone.reshape(1, 1, *shape),), ones, 1).ravel() != 0
        readers = fields.readers.of_set(int(fields.operand[element]))
        assert np.isin(fields.result, readers).tolist() == arrives.tolist()


def test_later_micro_steps_are_of_the_same_synapses():
    fields = receptive_fields(connection(Sum((0,), micro=3), (3, 2), None))
    assert fields.operand.tolist() == [0, 1, UNREAD, UNREAD, UNREAD, UNREAD]
    assert fields.result.tolist() == [0, 1]
