"""Routing is joined and dropped without a change of meaning; a graph with nothing to merge is returned itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Conv, Expand, Gather, Input, Pad, Permute, Reshape, Slice
from ir.passes.merge_routing import merge_routing

SHAPES = [(2, 3, 1), (3, 2), (6,), (1, 6), (2, 1, 3)]


@st.composite
def chains(draw: st.DrawFn) -> Graph:
    """Reshapes, permutes, whole slices and expands in a row; any value may be an output."""
    builder = GraphBuilder("chain", 1)
    value = builder.add(Input("spike[2x3]"), name="x")
    values = [value]
    for index in range(draw(st.integers(1, 6))):
        shape = builder.type(value).shape
        moves = [Permute(tuple(draw(st.permutations(range(len(shape)))))), Slice(0, 0, shape[0])]
        moves += [Reshape(other) for other in SHAPES if math.prod(other) == math.prod(shape)]
        moves += [Expand(tuple(2 if n == 1 else n for n in shape))]
        moves += [Gather(0, tuple(draw(st.lists(st.integers(-1, shape[0] - 1), min_size=1, max_size=shape[0]))))]
        value = builder.add(draw(st.sampled_from(moves)), value, name=f"v{index}")
        values.append(value)
    kept = draw(st.sets(st.sampled_from(values))) | {value}
    return builder.build({name: name for name in sorted(kept)})


@given(chains())
def test_same_values(graph: Graph):
    merged = merge_routing(graph)
    x = {"x": np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3)}
    expected, got = interpret(graph, x), interpret(merged, x)
    for name in expected:
        np.testing.assert_array_equal(expected[name], got[name], err_msg=name)


@given(chains())
def test_nothing_is_left_to_merge(graph: Graph):
    merged = merge_routing(graph)
    assert merge_routing(merged) is merged
    assert len(merged.nodes) <= len(graph.nodes)


@pytest.mark.parametrize(
    "pads", [((1, 1, 1), (2, 0, 2)), ((1, 0, 1),), ((2, 1, 3), (2, 2, 2)), ((1, 2, 1),), ((0, 1, 1),)]
)
def test_a_convolution_takes_the_zeros_around_it(pads: tuple[tuple[int, int, int], ...]):
    """Same sums; each pad of an axis of places that has no more zeros before than behind is gone, and so are its synapses."""
    builder = GraphBuilder("padded", 1)
    value = builder.add(Input("spike[2x3x4]"), name="x")
    for pad in pads:
        value = builder.add(Pad(*pad), value, name="pad")
    channels = builder.type(value).shape[0]
    weight = builder.param("w", np.random.default_rng(0).integers(-4, 5, (2, channels, 2, 3)).astype(np.float32))
    y = builder.add(Conv((1, 1), (0, 1), (1, 1)), value, name="y", params={"weight": weight})
    graph = builder.build({"y": y})
    merged = merge_routing(graph)
    x = {"x": np.random.default_rng(1).integers(0, 2, (1, 3, 2, 3, 4)).astype(np.float32)}
    np.testing.assert_array_equal(interpret(merged, x)["y"], interpret(graph, x)["y"])
    kept = [pad for pad in pads if pad[0] == 0 or pad[1] > pad[2]]
    assert [node.op for node in merged.nodes.values() if isinstance(node.op, Pad)] == [Pad(*pad) for pad in kept]
    assert merge_routing(merged) is merged
