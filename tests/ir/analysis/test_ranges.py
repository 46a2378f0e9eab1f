"""No value of an integer network leaves its proven range, and the bound is reached where nothing hides it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.analysis.ranges import EXACT_FLOAT32, EXACT_FLOAT64, UNBOUNDED, fits_float32, fits_float64, magnitudes
from ir.graph import GraphBuilder
from ir.interpreter import interpret
from ir.ops import Add, Concat, Expand, Gate, Graded, Input, Linear, Sum, Synapse


def network(seed):
    b, rng = GraphBuilder("g", 2), np.random.default_rng(seed)
    x, a = b.add(Input("spike[3x4]"), name="x"), b.add(Input("graded<6>[3x4]"), name="a")

    def linear(source, name):
        return b.add(
            Linear(), source, name=name, params={"weight": b.param("w", rng.integers(-9, 9, (4, 4)).astype(np.int8))}
        )

    payload = b.add(
        Graded(9, shift=1),
        linear(a, "la"),
        linear(x, "lx"),
        name="payload",
        params={"bias": b.param("b", rng.integers(-50, 50, 4).astype(np.int32))},
    )
    gate = b.add(Gate(24, shift=2), linear(payload, "lp"), b.add(Synapse(1), x, name="open"), name="gate")
    total = b.add(Sum((0,), weight=-2), gate, name="total")
    again = b.add(
        Graded(24), b.add(Concat(0), b.add(Expand((2, 4)), total, name="e"), total, name="join"), name="again"
    )
    merged = b.add(Add(), x, x, name="merged")
    return b.build({"again": again, "merged": merged})


@given(st.integers(0, 10**6))
def test_nothing_leaves_its_range(seed):
    graph = network(seed)
    bounds, rng = magnitudes(graph), np.random.default_rng(seed)
    inputs = {"x": rng.integers(0, 2, (2, 30, 3, 4)), "a": rng.choice([-32, 31, 0], (2, 30, 3, 4))}
    seen = {}
    interpret(graph, inputs, lambda node, value: seen.__setitem__(node.name, int(np.abs(value).max())))
    assert all(seen[name] <= bounds[name] for name in graph.nodes)


def test_bounds_of_single_projections_are_reached():
    b = GraphBuilder("g", 1)
    x = b.add(Input("graded<4>[2x3]"), name="x")
    weight = b.param("w", np.array([[1, -2, 3], [0, 1, 0]], np.int8))
    graph = b.build(
        {
            "l": b.add(Graded(24), b.add(Linear(), x, name="l", params={"weight": weight}), name="gl"),
            "s": b.add(Graded(24), b.add(Sum((0, 1), weight=-2), x, name="s"), name="gs"),
            "y": b.add(Graded(3), b.add(Synapse(5), x, name="y"), name="gy"),
        }
    )
    bounds = magnitudes(graph)
    assert (bounds["x"], bounds["l"], bounds["s"], bounds["y"], bounds["gy"]) == (8, 48, 96, 40, 4)


@pytest.mark.parametrize(
    ("dtype", "largest", "fits"), [(np.float32, EXACT_FLOAT32, fits_float32), (np.float64, EXACT_FLOAT64, fits_float64)]
)
def test_floats_hold_whole_numbers_up_to_their_bound_included(dtype, largest, fits):
    """Sums whose magnitudes reach the bound exactly, in random orders; one more is rounded."""
    assert int(dtype(largest)) == largest
    assert int(dtype(largest + 1)) != largest + 1
    assert fits(largest)
    assert not fits(largest + 1)
    assert not fits(UNBOUNDED)
    rng = np.random.default_rng(0)
    for _ in range(50):
        cuts = np.sort(rng.integers(0, largest, 20))
        magnitudes_ = np.diff([0, *cuts.tolist(), largest])
        terms = (magnitudes_ * rng.choice([-1, 1], magnitudes_.size)).astype(dtype)
        total = dtype(0)
        for term in rng.permutation(terms):
            total = dtype(total + term)
        assert int(total) == int(terms.astype(np.float64).astype(np.int64).sum())


def test_what_opens_a_gate_adds_nothing_to_its_payload():
    b = GraphBuilder("g", 1)
    x, s = b.add(Input("graded<4>[2]"), name="x"), b.add(Input("spike[2]"), name="s")
    opening = b.add(Synapse(100), s, name="open")
    graph = b.build({"y": b.add(Gate(24), b.add(Synapse(3), x, name="p"), opening, name="y")})
    assert magnitudes(graph)["y"] == 24
