"""Norms and maxima change places, with gains of either sign, and whatever else reads the maximum."""

from __future__ import annotations

import numpy as np
import pytest

from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import BatchNorm, Conv, Input, Lif, MaxPool
from ir.passes.fold_batchnorm import is_foldable
from ir.passes.norms_before_maxima import above_maxima, norms_before_maxima

POOL = MaxPool((2,), (2,), (0,), (1,))


def _network(gains: list[float] | None, pools: int = 1, others: bool = False) -> Graph:
    builder = GraphBuilder("normed", 2)
    x = builder.add(Input("spike[2x8]"), name="x")
    weight = (np.random.default_rng(0).integers(-6, 9, (3, 2, 3)) / 8).astype(np.float32)
    value = builder.add(Conv((1,), (1,), (1,)), x, name="conv", params={"weight": builder.param("w", weight)})
    for _ in range(pools):
        value = builder.add(POOL, value, name="pool")
    arrays = {"mean": [0.5, -0.25, 0.0], "var": [0.25, 1.0, 4.0]}
    arrays |= {} if gains is None else {"weight": gains, "bias": [0.5, 0.25, -1.0]}
    params = {role: builder.param(role, np.array(array, np.float32)) for role, array in arrays.items()}
    normed = builder.add(BatchNorm(0, 0.0), value, name="bn", params=params)
    outputs = {"y": builder.add(Lif(0.5, threshold=0.5), normed, name="y")}
    outputs |= {"z": builder.add(Lif(0.5, threshold=0.5), value, name="z")} if others else {}
    return builder.build(outputs)


@pytest.mark.parametrize("gains", [None, [1.0, 0.5, 2.0], [-1.0, 0.5, -0.25], [0.0, 1.0, -1.0]])
@pytest.mark.parametrize(("pools", "others"), [(1, False), (2, False), (2, True)])
def test_no_norm_is_left_behind_a_maximum(gains: list[float] | None, pools: int, others: bool):
    source = _network(gains, pools, others)
    moved = norms_before_maxima(source)
    spikes = {"x": np.random.default_rng(1).integers(0, 2, (2, 30, 2, 8)).astype(np.float32)}
    before, after = interpret(source, spikes), interpret(moved, spikes)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
    (norm,) = [node for node in moved.nodes.values() if isinstance(node.op, BatchNorm)]
    assert norm.inputs == ("conv",)
    assert len([node for node in moved.nodes.values() if isinstance(node.op, MaxPool)]) == pools * (1 + others)
    assert norms_before_maxima(moved) is moved


def test_signs_stay_behind_where_there_are_any():
    kinds = [
        [node.op.kind for node in norms_before_maxima(_network(gains)).nodes.values()]
        for gains in ([1.0] * 3, [1.0, -1.0, 1.0])
    ]
    assert kinds == [["input", "conv", "batch_norm", "max_pool", *signs, "lif"] for signs in ([], ["scale"])]


def test_what_a_norm_will_read_is_looked_up_beforehand():
    graph = _network(None, pools=2)
    norm = graph.nodes["bn"]
    assert above_maxima(graph, norm) is graph.nodes["conv"]
    assert is_foldable(graph, norm)
