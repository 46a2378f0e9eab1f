"""A sum on its way, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ir.graph import Graph, GraphBuilder
from ir.lowerings.rewriter import Rewriter
from ir.lowerings.sums.advance import Summed
from ir.lowerings.sums.rules import advanced_sum
from ir.ops import Add, Input, Linear, Sum, TimeSum, TimeWeight

T = 3


def test_constants_count_once_per_place_and_by_the_weights_of_steps():
    shape = (4, 2, 3)
    assert Summed().times(shape) == 1
    assert Summed(frozenset({1, 2})).times(shape) == 6
    assert Summed(frozenset({1}), (0.5, 0.25, 2.0)).times(shape) == 2 * 2.75


def read_out(kind: str, weights: list[float]) -> Graph:
    """The sum over places and weighted steps of W x + V x."""
    builder = GraphBuilder("host", T)
    x = builder.add(Input(kind), name="x")
    params = [{"weight": builder.param(name, np.full((2, 2), k, np.float32))} for k, name in enumerate("WV", 1)]
    terms = [builder.add(Linear(), x, name=f"linear{k}", params=params[k]) for k in range(2)]
    value = builder.add(Sum((0,)), builder.add(Add(), *terms, name="add"), name="places")
    weight = {"weight": builder.param("w", np.array(weights, np.float32))}
    value = builder.add(TimeWeight(), value, name="weighted", params=weight)
    return builder.build({"y": builder.add(TimeSum(), value, name="y")})


@pytest.mark.parametrize(
    ("kind", "weights", "kinds"),
    [
        ("spike[5x2]", [1.0, 2.0, 3.0], ["sum", "time_weight", "time_sum", "linear", "linear", "add"]),
        ("spike[5x2]", [0.5, 0.5, 0.5], ["sum", "time_sum", "linear", "linear", "add", "scale"]),
        ("spike[1x2]", [1.0, 1.0, 1.0], ["time_sum", "linear", "linear", "add"]),
        ("real[5x2] static", [1.0, 2.0, 3.0], ["linear", "linear", "add", "sum", "scale"]),
    ],
)
def test_what_two_terms_read_is_summed_once(kind: str, weights: list[float], kinds: list[str]):
    """Over places first; equal weights are one factor, at the end; what has no steps is multiplied where it is."""
    graph = read_out(kind, weights)
    after = Rewriter(graph, "pass").run(lambda to, node: advanced_sum(to, node) if node.name == "y" else None)
    assert [node.op.kind for node in after.nodes.values()] == ["input", *kinds]
    made = [node for name, node in after.nodes.items() if name not in graph.nodes]
    assert {node.provenance.passes for node in made} == {("pass",)}
