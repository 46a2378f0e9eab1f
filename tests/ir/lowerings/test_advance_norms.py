"""Norms move before maxima, sums and constants of steps, exactly, and are folded there."""

from __future__ import annotations

import numpy as np
import pytest

from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.lowerings.advance_norms import advance_norms
from ir.ops import Add, BatchNorm, Conv, Input, Lif, MaxPool, TimeOffset, TimeWeight
from ir.passes.fold_batchnorm import fold_batchnorm, is_foldable

POOL = MaxPool((2,), (2,), (0,), (1,))


def _pooled(gains: list[float] | None, pools: int = 1, others: bool = False) -> Graph:
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
    source = _pooled(gains, pools, others)
    moved = advance_norms(source, "pass")
    spikes = {"x": np.random.default_rng(1).integers(0, 2, (2, 30, 2, 8)).astype(np.float32)}
    before, after = interpret(source, spikes), interpret(moved, spikes)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
    (norm,) = [node for node in moved.nodes.values() if isinstance(node.op, BatchNorm)]
    assert norm.inputs == ("conv",)
    assert len([node for node in moved.nodes.values() if isinstance(node.op, MaxPool)]) == pools * (1 + others)
    assert advance_norms(moved, "pass") is moved


def test_signs_stay_behind_where_there_are_any():
    kinds = [
        [node.op.kind for node in advance_norms(_pooled(gains), "pass").nodes.values()]
        for gains in ([1.0] * 3, [1.0, -1.0, 1.0])
    ]
    assert kinds == [["input", "conv", "batch_norm", "max_pool", *signs, "lif"] for signs in ([], ["scale"])]


def test_a_norm_behind_maxima_folds_and_is_said_to_beforehand():
    graph = _pooled([-1.0, 0.5, -0.25], pools=2)
    assert is_foldable(graph, graph.nodes["bn"])
    folded = fold_batchnorm(graph)
    assert [node.op.kind for node in folded.nodes.values()] == ["input", "conv", "max_pool", "max_pool", "scale", "lif"]
    spikes = {"x": np.random.default_rng(1).integers(0, 2, (2, 30, 2, 8)).astype(np.float32)}
    np.testing.assert_array_equal(interpret(folded, spikes)["y"], interpret(graph, spikes)["y"])


def _summed(others: bool, nested: bool = False) -> Graph:
    """lif(bn(conv(x) + conv(x) [+ conv(x)])), dyadic; `others`: the sum is read as it is, too."""
    builder, random = GraphBuilder("normed", 2), np.random.default_rng(0)
    x = builder.add(Input("spike[2x8]"), name="x")
    terms: list[str] = []
    for place in range(3):
        params = {"weight": builder.param(f"w{place}", (random.integers(-6, 9, (3, 2, 3)) / 8).astype(np.float32))}
        if place:
            params["bias"] = builder.param(f"b{place}", (random.integers(-6, 9, 3) / 8).astype(np.float32))
        terms.append(builder.add(Conv((1,), (1,), (1,)), x, name=f"conv{place}", params=params))
    value = builder.add(
        Add(), *([builder.add(Add(), *terms[:2], name="part"), terms[2]] if nested else terms), name="sum"
    )
    arrays = {"mean": [0.5, -0.25, 0.0], "var": [0.25, 1.0, 4.0], "weight": [-1.0, 0.5, 2.0], "bias": [0.5, 0.25, -1.0]}
    params = {role: builder.param(role, np.array(array, np.float32)) for role, array in arrays.items()}
    normed = builder.add(BatchNorm(0, 0.0), value, name="bn", params=params)
    outputs = {"y": builder.add(Lif(0.5, threshold=0.5), normed, name="y")}
    outputs |= {"z": builder.add(Lif(0.5, threshold=0.5), value, name="z")} if others else {}
    return builder.build(outputs)


@pytest.mark.parametrize("others", [False, True])
@pytest.mark.parametrize("nested", [False, True])
def test_a_norm_behind_a_sum_goes_to_all_projections(others: bool, nested: bool):
    graph = _summed(others, nested)
    assert is_foldable(graph, graph.nodes["bn"])
    folded = fold_batchnorm(graph)
    spikes = {"x": np.random.default_rng(1).integers(0, 2, (2, 30, 2, 8)).astype(np.float32)}
    before, after = interpret(graph, spikes), interpret(folded, spikes)
    assert before["y"].any()
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
    kinds = [node.op.kind for node in folded.nodes.values()]
    assert kinds.count("conv") == 3 * (1 + others)
    assert "batch_norm" not in kinds


def test_a_sum_with_a_term_that_takes_no_norm_is_not_foldable():
    builder = GraphBuilder("normed", 2)
    x = builder.add(Input("spike[2x8]"), name="x")
    weight = builder.param("w", np.ones((2, 2, 3), np.float32))
    y = builder.add(Conv((1,), (1,), (1,)), x, name="conv", params={"weight": weight})
    params = {role: builder.param(role, np.ones(2, np.float32)) for role in ("mean", "var")}
    normed = builder.add(BatchNorm(0, 0.0), builder.add(Add(), x, y, name="sum"), name="bn", params=params)
    graph = builder.build({"y": builder.add(Lif(0.5), normed, name="y")})
    assert not is_foldable(graph, graph.nodes["bn"])


@pytest.mark.parametrize("op", [TimeWeight(), TimeOffset()])
@pytest.mark.parametrize("rows", [(2,), (2, 8), (2, 3, 1)])
def test_a_norm_behind_constants_of_steps(op: TimeWeight | TimeOffset, rows: tuple[int, ...]):
    builder, random = GraphBuilder("normed", 2), np.random.default_rng(0)
    x = builder.add(Input("spike[2x8]"), name="x")
    weight = builder.param("w", (random.integers(-6, 9, (3, 2, 3)) / 8).astype(np.float32))
    value = builder.add(Conv((1,), (1,), (1,)), x, name="conv", params={"weight": weight})
    role = "weight" if isinstance(op, TimeWeight) else "bias"
    own = {role: builder.param("rows", (random.integers(-3, 4, rows) / 4).astype(np.float32))}
    value = builder.add(op, value, name="steps", params=own)
    arrays = {"mean": [0.5, -0.25, 0.0], "var": [0.25, 1.0, 4.0], "weight": [-1.0, 0.5, 2.0], "bias": [0.5, 0.25, -1.0]}
    params = {role: builder.param(role, np.array(array, np.float32)) for role, array in arrays.items()}
    normed = builder.add(BatchNorm(0, 0.0), value, name="bn", params=params)
    graph = builder.build({"y": builder.add(Lif(0.5, threshold=0.5), normed, name="y")})
    assert is_foldable(graph, graph.nodes["bn"])
    spikes = {"x": np.random.default_rng(1).integers(0, 2, (2, 30, 2, 8)).astype(np.float32)}
    expected, got = interpret(graph, spikes)["y"], interpret(fold_batchnorm(graph), spikes)["y"]
    assert expected.any()
    np.testing.assert_array_equal(expected, got)


def test_a_norm_whose_channels_are_steps_is_factors_and_terms_of_steps():
    builder = GraphBuilder("timed", 2)
    x = builder.add(Input("spike[2x8]"), name="x")
    h = builder.add(
        Conv((1,), (1,), (1,)), x, name="h", params={"weight": builder.param("w", np.ones((3, 2, 3), np.float32))}
    )
    arrays = {"mean": [0.5, -0.25], "var": [0.25, 4.0], "weight": [-1.0, 0.5], "bias": [0.5, 0.25]}
    params = {role: builder.param(role, np.array(array, np.float32)) for role, array in arrays.items()}
    normed = builder.add(BatchNorm(-1, 0.0, timed=True), h, name="bn", params=params)
    assert is_foldable(builder.build({"bn": normed}), builder.node(normed))
    graph = builder.build({"y": builder.add(Lif(0.5, threshold=0.25), normed, name="y")})
    folded = fold_batchnorm(graph)
    spikes = {"x": np.random.default_rng(1).integers(0, 2, (2, 30, 2, 8)).astype(np.float32)}
    np.testing.assert_array_equal(interpret(folded, spikes)["y"], interpret(graph, spikes)["y"])
    assert [node.op.kind for node in folded.nodes.values()] == ["input", "conv", "time_weight", "time_offset", "lif"]
