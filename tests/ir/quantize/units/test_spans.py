"""Spans are what brute force finds: every emission of small convolutions, one after another."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import hw_profiles
from ir.analysis.wiring import wiring_of
from ir.graph import Array, Graph, GraphBuilder
from ir.ops import Conv, Graded, Input, Reshape, Sum
from ir.quantize.units.spans import spans, times_apart, widest_difference

WEIGHT = np.array([[[0.5, -1.0]], [[0.25, 0.75]]])
"""Two output channels, two taps."""
EMISSIONS = {"spike": (0, 1), "count<2>": (0, 1, 2), "graded<2>": (-2, -1, 0, 1)}


def _graph(domain: str, op: Conv, reshaped: bool = False) -> Graph:
    builder = GraphBuilder("spans", 1)
    x = builder.add(Input(f"{domain}[1x4]"), name="x")
    current = builder.add(op, x, name="conv", params={"weight": builder.param("w", WEIGHT)})
    if reshaped:
        current = builder.add(Reshape((6,)), current, name="flat")
    return builder.build({"y": builder.add(Graded(24), current, name="relay")})


def _sums(graph: Graph, emissions: Array) -> Array:
    conv = graph.nodes["conv"]
    return np.asarray(conv.op.run((emissions.astype(np.float64),), {"weight": WEIGHT}, 1))


@pytest.mark.parametrize("domain", EMISSIONS)
@pytest.mark.parametrize("op", [Conv((1,), (0,), (1,)), Conv((2,), (0,), (1,)), Conv((1,), (1,), (1,))])
def test_no_two_sums_lie_further_apart_and_some_do_as_far(domain: str, op: Conv):
    graph, values = _graph(domain, op), EMISSIONS[domain]
    sums = _sums(graph, np.array(list(product(values, repeat=4))).reshape(1, -1, 1, 4))[0]
    furthest = float((sums.max(axis=2) - sums.min(axis=2)).max())
    span = spans(graph, wiring_of(graph), graph.nodes["relay"], {"conv": WEIGHT})["conv"]
    assert furthest <= span.weights * max(map(abs, values))
    if domain != "graded<2>":  # of payloads from -2 to 1 some are missing
        assert furthest == span.weights * max(values)


def test_weights_count_once_or_twice_with_half_a_unit_each():
    op = Conv((1,), (0,), (1,))
    for domain, times in (("spike", 1), ("graded<8>", 2)):
        graph = _graph(domain, op)
        span = spans(graph, wiring_of(graph), graph.nodes["relay"], {"conv": WEIGHT})["conv"]
        assert (span.weights, span.terms) == (1.5 * times, 2 * times)


def test_channels_that_are_mixed_may_lie_twice_as_far_apart():
    graph = _graph("spike", Conv((1,), (0,), (1,)), reshaped=True)
    assert times_apart(graph, graph.nodes["relay"], "conv") == 2
    assert spans(graph, wiring_of(graph), graph.nodes["relay"], {"conv": WEIGHT})["conv"].weights == 3.0


def test_a_sum_has_one_weight_for_all_its_terms():
    builder = GraphBuilder("sum", 1)
    total = builder.add(Sum((1,), weight=-0.5), builder.add(Input("spike[2x5]"), name="x"), name="total")
    graph = builder.build({"y": builder.add(Graded(24), total, name="relay")})
    span = spans(graph, wiring_of(graph), graph.nodes["relay"], {"total": -0.5})["total"]
    assert (span.weights, span.terms) == (5.0, 10)


def test_currents_and_payloads_both_bound_a_difference():
    arithmetic = hw_profiles.load("loihi2").arithmetic
    assert widest_difference(arithmetic) == 131_071
