"""Back edges move up to populations over what maps zeros to zeros; values stay, and a graph with nothing to move is returned itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import hw_profiles
from ir.deployment import Context, Deployment
from ir.graph import Graph, GraphBuilder, Provenance
from ir.interpreter import interpret
from ir.ops import Add, Delay, Input, Lif, Linear, Offset, Past, Permute, Reshape, Scale, Sum, Synapse
from ir.passes.push_back_edges import LINEAR, apply, push_back_edges
from ir.verify import verify

STEPS = 6
WEIGHT = (np.random.default_rng(0).integers(-4, 5, (4, 4)) / 4).astype(np.float32)
Chain = Callable[[GraphBuilder, str], str]


def loop(chain: Chain, late: int = 1) -> Graph:
    """s = lif(x + what `chain` makes of s, `late` steps ago)."""
    builder = GraphBuilder("net", 0)
    x = builder.add(Input("spike[4]"), name="x")
    entry = builder.add(Linear(), x, name="in", params={"weight": builder.param("w", WEIGHT + 0.5)})
    back = builder.add(Past("end", "current[4]", late), name="back", provenance=Provenance("net.loop"))
    total = builder.add(Add(), entry, back, name="total")
    s = builder.add(Lif(0.5, threshold=0.5), total, name="s")
    end = builder.add(Scale(1.0), chain(builder, s), name="end")
    return builder.build({"s": s, "end": end})


def linear(builder: GraphBuilder, value: str, **params: str) -> str:
    return builder.add(Linear(), value, name="u", params={"weight": builder.param("u", WEIGHT), **params})


def routed(builder: GraphBuilder, value: str) -> str:
    rows = builder.add(Reshape((2, 2)), linear(builder, value), name="rows")
    return builder.add(Reshape((4,)), builder.add(Permute((1, 0)), rows, name="turned"), name="flat")


def joined(builder: GraphBuilder, value: str) -> str:
    one = builder.add(Synapse(0.5), builder.add(Delay(2), value, name="late"), name="one")
    return builder.add(Add(), linear(builder, value), one, name="both")


CHAINS: dict[str, tuple[Chain, list[tuple[str, int]]]] = {
    "linear": (linear, [("s", 1)]),
    "routing": (routed, [("s", 1)]),
    "a sum of two ways, one of them delayed": (joined, [("s", 1), ("s", 3)]),
    "up to a constant": (
        lambda b, value: b.add(Scale(2.0), b.add(Offset(0.25), linear(b, value), name="offset"), name="scaled"),
        [("offset", 1)],
    ),
}


@pytest.mark.parametrize("case", CHAINS)
@pytest.mark.parametrize("late", [1, 2])
def test_the_back_edge_starts_at_the_population_and_no_value_changes(case: str, late: int):
    chain, ends = CHAINS[case]
    graph = loop(chain, late)
    pushed = push_back_edges(graph)
    verify(pushed, "source")
    assert [(node.op.of, node.op.steps) for node in pushed.loops] == [(name, steps + late - 1) for name, steps in ends]
    assert push_back_edges(pushed) is pushed
    x = {"x": np.random.default_rng(1).integers(0, 2, (STEPS, 3, 4)).astype(np.float32)}
    expected, values = interpret(graph, x), interpret(pushed, x)
    assert all(np.array_equal(values[name], expected[name]) for name in expected)
    assert expected["s"].any()


def test_what_is_computed_of_earlier_values_carries_the_pass():
    pushed = push_back_edges(loop(linear))
    passes = {
        name: node.provenance.passes for name, node in pushed.nodes.items() if node.provenance.module == "net.loop"
    }
    assert passes == {"back_s": (), "back_u": ("push_back_edges",), "back_end": ("push_back_edges",)}
    assert pushed.nodes["back_u"].params == pushed.nodes["u"].params, "the same weights, stored once"


@pytest.mark.parametrize("kind", ["bias", "own delays", "population", "input"])
def test_what_must_stay_stays(kind: str):
    builder = GraphBuilder("net", 0)
    x = builder.add(Input("spike[4]"), name="x")
    back = builder.add(
        Past(
            "x" if kind == "input" else "end",
            "spike[4]" if kind in ("population", "own delays", "input") else "current[4]",
        ),
        name="back",
    )
    s = builder.add(Lif(0.5), back, name="s")
    if kind == "bias":
        builder.add(
            Linear(),
            s,
            name="end",
            params={"weight": builder.param("u", WEIGHT), "bias": builder.param("b", WEIGHT[0])},
        )
    if kind == "own delays":
        builder.add(Delay(), s, name="end", params={"steps": builder.param("steps", np.arange(4))})
    if kind == "population":
        builder.add(Lif(0.5), builder.add(Synapse(), x, name="one"), name="end")
    graph = builder.build({"s": s})
    assert push_back_edges(graph) is graph


def test_every_kind_that_may_be_passed_maps_zeros_to_zeros():
    assert not LINEAR & {"offset", "not", "function", "lif", "past", "delay", "max_pool"}
    zeros = np.zeros((1, 1, 4))
    for op, params in ((Linear(), {"weight": WEIGHT}), (Sum((0,)), {}), (Scale(3.0), {}), (Permute((0,)), {})):
        assert op.kind in LINEAR
        assert not op.run((zeros,), params, 1).any()


def test_only_the_chips_graph_is_rewritten():
    deployment = Deployment.of(loop(linear))
    after = apply(deployment, Context(hw_profiles.load("loihi2")))
    assert after.chip == push_back_edges(deployment.chip)
    assert (after.prologue, after.epilogue) == (deployment.prologue, deployment.epilogue)
    assert apply(after, Context(hw_profiles.load("loihi2"))) is after
