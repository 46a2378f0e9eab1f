"""Routing is joined and dropped without a change of meaning; a graph with nothing to merge is returned itself."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Expand, Gather, Input, Permute, Reshape, Slice
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
