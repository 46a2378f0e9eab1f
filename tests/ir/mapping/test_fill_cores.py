"""Cores are filled in the order of the graph."""

from __future__ import annotations

import numpy as np
import pytest

from ir.graph import Graph, GraphBuilder
from ir.mapping.fill_cores import fill_cores
from ir.ops import Input, IntegerLif, Linear


@pytest.fixture
def graph() -> Graph:
    builder = GraphBuilder("net", 2)
    value = builder.add(Input("spike[3]"), name="x")
    for name, (rows, columns) in {"a": (4, 3), "b": (3, 4)}.items():
        weight = {"weight": builder.param(f"w{name}", np.ones((rows, columns), np.int8))}
        value = builder.add(
            IntegerLif(4095, 0, 1, 6, 12, 24), builder.add(Linear(), value, name=f"l{name}", params=weight), name=name
        )
    return builder.build({"y": value})


@pytest.mark.parametrize(
    ("limit", "a", "b"),
    [(3, [0, 0, 0, 1], [1, 1, 2]), (7, [0] * 4, [0] * 3), (100, [0] * 4, [0] * 3), (None, [0] * 4, [0] * 3)],
)
def test_a_core_is_left_when_it_is_full(graph: Graph, limit: int | None, a: list[int], b: list[int]):
    found = fill_cores(graph, limit)
    found.check(graph)
    assert (found.core_of["a"].tolist(), found.core_of["b"].tolist()) == (a, b)
    assert found.places.tolist() == [[0, core, 0] for core in range(b[-1] + 1)]
