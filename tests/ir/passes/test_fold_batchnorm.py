"""Folding is exact on dyadic norms, through every routing that keeps the channels together, and refuses the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.graph import Graph, GraphBuilder, Provenance
from ir.interpreter import interpret
from ir.ops import Add, BatchNorm, Conv, Input, Lif, Linear, Permute, Reshape, Slice
from ir.ops.base import Op
from ir.passes.fold_batchnorm import fold, fold_batchnorm, folded_norms, is_foldable


def _norm(builder: GraphBuilder, channels: int, affine: bool, seed: int = 0) -> dict[str, str]:
    random = np.random.default_rng(seed)
    arrays = {"mean": random.integers(-4, 5, channels) / 4, "var": random.choice([0.25, 1.0, 4.0], channels)}
    if affine:
        arrays |= {role: random.integers(-4, 5, channels) / 4 for role in ("weight", "bias")}
    return {role: builder.param(f"{role}{seed}", array.astype(np.float32)) for role, array in arrays.items()}


def _network(projection: Op, weight: tuple[int, ...], chain: list[Op], axis: int, *, bias: bool, affine: bool) -> Graph:
    """lif(batch_norm(chain(projection(x))))."""
    builder, random = GraphBuilder("normed", 2), np.random.default_rng(1)
    x = builder.add(Input("spike[3x4]"), name="x")
    params = {"weight": builder.param("w", (random.integers(-4, 5, weight) / 4).astype(np.float32))}
    if bias:
        params["bias"] = builder.param("b", (random.integers(-4, 5, weight[0]) / 4).astype(np.float32))
    value = builder.add(projection, x, name="projection", params=params, provenance=Provenance("layer"))
    for op in chain:
        value = builder.add(op, value, name=op.kind)
    channels = builder.type(value).shape[axis]
    value = builder.add(BatchNorm(axis, 0.0), value, name="bn", params=_norm(builder, channels, affine))
    return builder.build({"y": builder.add(Lif(0.5, threshold=0.25), value, name="y")})


def _assert_same(before: Graph, after: Graph) -> None:
    spikes = np.random.default_rng(2).integers(0, 2, (2, 20, 3, 4)).astype(np.float32)
    expected, got = interpret(before, {"x": spikes}), interpret(after, {"x": spikes})
    for name in expected:
        np.testing.assert_array_equal(expected[name], got[name])


LINEAR, CONV = (Linear(), (6, 4)), (Conv((1,), (0,), (1,)), (6, 3, 2))


@pytest.mark.parametrize(
    ("projection", "weight", "chain", "axis"),
    [
        (*LINEAR, [], 1),
        (*LINEAR, [Permute((1, 0))], 0),
        (*LINEAR, [Permute((1, 0)), Reshape((6, 1, 3)), Permute((1, 2, 0))], 2),
        (*LINEAR, [Reshape((1, 3, 6))], 2),
        (*LINEAR, [Slice(0, 1, 3), Permute((1, 0))], 0),
        (*CONV, [], 0),
        (*CONV, [Permute((1, 0))], 1),
        (*CONV, [Reshape((6, 3, 1))], 0),
    ],
)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_through_routing(projection: Op, weight: tuple[int, ...], chain: list[Op], axis: int, bias: bool, affine: bool):
    graph = _network(projection, weight, chain, axis, bias=bias, affine=affine)
    folded = fold_batchnorm(graph)
    _assert_same(graph, folded)
    assert [node.op.kind for node in folded.nodes.values()] == [
        kind for kind in (node.op.kind for node in graph.nodes.values()) if kind != "batch_norm"
    ]
    assert folded.nodes["projection"].provenance == Provenance("layer", ("fold_batchnorm",))


@pytest.mark.parametrize(
    ("chain", "axis"),
    [([Reshape((3, 2, 3))], 1), ([Reshape((6, 3))], 0), ([Slice(1, 1, 4)], 1), ([], 0), ([Reshape((18,))], 0)],
)
def test_of_channels_that_are_cut_split_or_others_a_factor_and_a_term_is_left(chain: list[Op], axis: int):
    graph = _network(Linear(), (6, 4), chain, axis, bias=True, affine=True)
    assert not is_foldable(graph, graph.nodes["bn"])
    folded = fold_batchnorm(graph)
    _assert_same(graph, folded)
    assert [node.op.kind for node in folded.nodes.values()][-3:] == ["scale", "offset", "lif"]
    assert folded.nodes["bn"].provenance == Provenance("", ("fold_batchnorm",))


def test_a_shared_projection_is_copied_for_its_norms():
    """Two norms and a neuron read one linear map: three sets of weights, the plain one untouched."""
    builder = GraphBuilder("shared", 2)
    x = builder.add(Input("spike[3x4]"), name="x")
    weight = np.random.default_rng(0).integers(-4, 5, (6, 4)).astype(np.float32)
    h = builder.add(Linear(), x, name="h", params={"weight": builder.param("w", weight)})
    turned = builder.add(Permute((1, 0)), h, name="turned")
    first = builder.add(BatchNorm(0, 0.0), turned, name="first", params=_norm(builder, 6, True))
    second = builder.add(BatchNorm(1, 0.0), h, name="second", params=_norm(builder, 6, True, seed=5))
    values = {"plain": h, "first": first, "second": second}
    graph = builder.build({name: builder.add(Lif(0.5), value, name=f"{name}_lif") for name, value in values.items()})
    folded = fold_batchnorm(graph)
    _assert_same(graph, folded)
    weights = [node.param("weight") for node in folded.nodes.values() if node.op.kind == "linear"]
    assert weights == ["w", "w.first", "w.second"]


def test_norms_one_behind_the_other_are_folded_into_one_projection():
    builder = GraphBuilder("normed", 2)
    x = builder.add(Input("spike[3x4]"), name="x")
    weight = builder.param("w", (np.random.default_rng(1).integers(-4, 5, (6, 4)) / 4).astype(np.float32))
    value = builder.add(Linear(), x, name="projection", params={"weight": weight})
    for seed, between in ((0, Permute((1, 0))), (1, Permute((1, 0)))):
        axis = 1 - seed
        value = builder.add(BatchNorm(axis, 0.0), value, name=f"bn{seed}", params=_norm(builder, 6, True, seed))
        value = builder.add(between, value, name=f"moved{seed}")
    before = builder.build({"y": builder.add(Lif(0.5, threshold=0.25), value, name="y")})
    after = fold_batchnorm(before)
    assert not [node for node in after.nodes.values() if isinstance(node.op, BatchNorm)]
    _assert_same(before, after)


def test_nothing_to_fold_is_the_same_object():
    builder = GraphBuilder("plain", 1)
    x = builder.add(Input("spike[3x4]"), name="x")
    graph = builder.build({"y": builder.add(Lif(0.5), x, name="y")})
    assert fold_batchnorm(graph) is graph


@given(st.integers(1, 5), st.integers(0, 99))
def test_fold_is_the_norm_of_the_affine_map(channels: int, seed: int):
    """In float32, away from the dyadic grid: within rounding."""
    random = np.random.default_rng(seed)
    norm = {role: random.normal(size=channels).astype(np.float32) for role in ("mean", "weight", "bias")}
    norm["var"] = random.uniform(0.1, 3, channels).astype(np.float32)
    weight, bias = random.normal(size=(channels, 4)).astype(np.float32), random.normal(size=channels).astype(np.float32)
    x = random.normal(size=4)
    k = norm["weight"] / np.sqrt(norm["var"].astype(np.float64) + 1e-5)
    expected = (weight.astype(np.float64) @ x + bias - norm["mean"]) * k + norm["bias"]
    folded_weight, folded_bias = fold(weight, bias, norm, 1e-5)
    assert folded_weight.dtype == folded_bias.dtype == np.float32
    np.testing.assert_allclose(folded_weight @ x + folded_bias, expected, rtol=1e-5, atol=1e-5)


def test_it_is_told_which_norm_is_folded_into_which_weight():
    """A norm that shares its projection with another reader gets weights of its own: it is in none of the model's."""
    alone = _network(*LINEAR, [Permute((1, 0))], 0, bias=False, affine=True)
    assert folded_norms(alone) == {"w": ""}
    builder = GraphBuilder("shared", 2)
    x = builder.add(Input("spike[3x4]"), name="x")
    current = builder.add(Linear(), x, name="h", params={"weight": builder.param("w", np.ones((6, 4), np.float32))})
    params, module = _norm(builder, 6, affine=True), Provenance("net.bn")
    normed = builder.add(BatchNorm(1, 0.0), current, name="bn", params=params, provenance=module)
    ends = {"y": builder.add(Lif(0.5), normed, name="y")}
    assert folded_norms(builder.build(ends)) == {"w": "net.bn"}
    assert folded_norms(builder.build({**ends, "z": builder.add(Lif(0.5), current, name="z")})) == {}


def test_a_norm_of_a_sum_is_folded_into_two_weights_and_told_of_neither():
    builder = GraphBuilder("sum", 2)
    x = builder.add(Input("spike[3x4]"), name="x")
    ones = {name: builder.param(name, np.ones((6, 4), np.float32)) for name in "vw"}
    currents = [builder.add(Linear(), x, name=f"h{name}", params={"weight": each}) for name, each in ones.items()]
    total = builder.add(Add(), *currents, name="total")
    params, module = _norm(builder, 6, affine=True), Provenance("net.bn")
    normed = builder.add(BatchNorm(1, 0.0), total, name="bn", params=params, provenance=module)
    assert folded_norms(builder.build({"y": builder.add(Lif(0.5), normed, name="y")})) == {}
