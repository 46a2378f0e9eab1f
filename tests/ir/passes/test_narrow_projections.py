"""Slices of a projection's outputs become projections; everything else stays."""

from __future__ import annotations

import numpy as np
import pytest

import hw_profiles
from ir.deployment import Context, Deployment
from ir.graph import Graph, GraphBuilder, Provenance
from ir.interpreter import interpret
from ir.ops import Concat, Conv, Input, Lif, Linear, Slice
from ir.ops.base import Op
from ir.passes.narrow_projections import apply, narrow_projections


def _halves(op: Op, weight: tuple[int, ...], axis: int, *, read_whole: bool = False) -> Graph:
    builder, random = GraphBuilder("halves", 2), np.random.default_rng(0)
    x = builder.add(Input("spike[2x4]"), name="x")
    params = {
        "weight": builder.param("w", random.integers(-4, 5, weight).astype(np.float32)),
        "bias": builder.param("b", random.integers(-4, 5, weight[0]).astype(np.float32)),
    }
    h = builder.add(op, x, name="h", params=params, provenance=Provenance("mlp.hidden"))
    length = builder.type(h).shape[axis]
    parts = [builder.add(Slice(axis, *ends), h, name="chunk") for ends in ((0, 1), (1, length))]
    outputs = {name: builder.add(Lif(0.5), part, name=name) for name, part in zip("vg", parts, strict=True)}
    return builder.build(outputs | ({"h": h} if read_whole else {}))


@pytest.mark.parametrize(("op", "weight", "axis"), [(Linear(), (6, 4), 1), (Conv((1,), (0,), (1,)), (6, 2, 1), 0)])
def test_rows(op: Op, weight: tuple[int, ...], axis: int):
    graph = _halves(op, weight, axis)
    narrowed = narrow_projections(graph)
    spikes = {"x": np.random.default_rng(1).integers(0, 2, (2, 10, 2, 4)).astype(np.float32)}
    expected, got = interpret(graph, spikes), interpret(narrowed, spikes)
    for name in expected:
        np.testing.assert_array_equal(expected[name], got[name])
    assert list(narrowed.nodes) == ["x", "h_0_1", "h_1_6", "v", "g"]
    assert narrowed.nodes["h_1_6"].provenance == Provenance("mlp.hidden", ("narrow_projections",))
    np.testing.assert_array_equal(narrowed.params["w.rows_1_6"], graph.params["w"][1:6])


@pytest.mark.parametrize(
    "graph",
    [
        _halves(Linear(), (6, 4), 1, read_whole=True),
        _halves(Linear(), (6, 4), 0),
        _halves(Conv((1,), (0,), (1,), groups=2), (6, 1, 1), 0),
    ],
    ids=["read whole", "other axis", "groups"],
)
def test_left_alone(graph: Graph):
    assert narrow_projections(graph) is graph


def test_unlike_joins_are_divided_before():
    builder = GraphBuilder("joined", 2)
    weight = builder.param("w", np.random.default_rng(0).integers(-4, 5, (6, 4)).astype(np.float32))
    x = builder.add(Input("spike[2x4]"), name="x")
    cat = builder.add(Concat(1), x, builder.add(Linear(), x, name="h", params={"weight": weight}), name="cat")
    part = builder.add(Slice(1, 6, 10), cat, name="part")
    graph = builder.build({"y": builder.add(Lif(0.5), part, name="y")})
    chip = apply(Deployment.of(graph), Context(hw_profiles.load("loihi2"))).chip
    assert [node.op.kind for node in chip.nodes.values()] == ["input", "linear", "lif"]
    np.testing.assert_array_equal(chip.params["w.rows_2_6"], builder.array(weight)[2:6])
