"""A group of equal weights is one product of the summed sources: against the sum of the operands as the interpreter has them."""

from __future__ import annotations

import numpy as np
import pytest

from ir.analysis.weight_groups import WeightGroup, single_groups, weight_groups
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Add, Concat, Conv, Expand, Graded, Input, Linear, Permute, Reshape, Slice, Synapse

TOKENS, FEATURES = 2, 4


def random_operands(seed: int) -> tuple[Graph, tuple[str, ...]]:
    """A population of many operands (2, 4): few weights, few sources, few ways of routing, drawn at random."""
    b, rng = GraphBuilder("operands", 2), np.random.default_rng(seed)
    sources = [b.add(Input(f"graded<5>[{TOKENS}x{FEATURES}]"), name=name) for name in "xyz"]
    flat = [b.add(Reshape((TOKENS * FEATURES,)), source, name="flat") for source in sources]
    weights = [b.param(f"w{k}", rng.integers(-9, 9, (FEATURES, FEATURES)).astype(np.int8)) for k in range(2)]
    double = b.param("double", rng.integers(-9, 9, (2 * FEATURES, FEATURES)).astype(np.int8))
    kernel = b.param("kernel", rng.integers(-9, 9, (TOKENS, TOKENS, 3)).astype(np.int8))

    def operand(kind: int, source: int) -> str:
        x, weight = sources[source], {"weight": weights[int(rng.integers(2))]}
        if kind == 0:
            return b.add(Linear(), x, name="plain", params=weight)
        if kind == 1:
            start = int(rng.integers(2)) * FEATURES
            wide = b.add(Linear(), x, name="wide", params={"weight": double})
            return b.add(Slice(1, start, start + FEATURES), wide, name="cut")
        if kind == 2:
            return b.add(Conv((1,), (1,), (1,)), x, name="conv", params={"weight": kernel})
        if kind == 3:
            return b.add(Synapse(int(rng.integers(1, 3))), x, name="unit")
        if kind == 4:
            turned = b.add(Reshape((TOKENS, 1, FEATURES)), x, name="rows")
            product = b.add(Linear(), turned, name="tokens", params=weight)
            return b.add(Reshape((TOKENS, FEATURES)), product, name="back")
        if kind == 5:  # the same weights and routing as kind 4, of a source that has another shape
            turned = b.add(Reshape((1, TOKENS, FEATURES)), flat[source], name="token")
            product = b.add(Linear(), turned, name="row", params=weight)
            return b.add(Reshape((TOKENS, FEATURES)), product, name="back")
        halves = [
            b.add(Slice(0, k, k + 1), b.add(Linear(), x, name="half", params=weight), name="part") for k in (1, 0)
        ]
        return b.add(Concat(0), *halves, name="join")

    operands = [operand(int(rng.integers(7)), int(rng.integers(3))) for _ in range(12)]
    graph = b.build({"out": b.add(Graded(24), *operands, name="out")})
    return graph, graph.nodes["out"].inputs


def values_of(graph: Graph, seed: int) -> dict[str, np.ndarray]:
    rng, values = np.random.default_rng(seed), {}
    inputs = {node.name: rng.integers(-16, 16, (2, 3, *node.type.shape)) for node in graph.inputs}
    interpret(graph, inputs, lambda node, value: values.__setitem__(node.name, np.asarray(value)))
    return values


def current_of(graph: Graph, operand: str, projection: str, x: np.ndarray) -> np.ndarray:
    """What an operand is where its projection reads x."""
    node = graph.nodes[operand]
    behind = x if operand == projection else current_of(graph, node.inputs[0], projection, x)
    return np.asarray(node.op.run((behind,), graph.arrays(node), len(x)))


@pytest.mark.parametrize("seed", range(60))
def test_groups_are_products_of_summed_sources(seed: int):
    graph, operands = random_operands(seed)
    values, total, merged = values_of(graph, seed), 0, list[str]()
    for group in weight_groups(graph, operands):
        assert group.operand in operands
        if len(group.projections) == 1:
            total = total + values[group.operand]
            continue
        sources = [values[graph.nodes[name].inputs[0]] for name in group.projections]
        assert len({x.shape for x in sources}) == 1
        total = total + current_of(graph, group.operand, group.projections[0], np.sum(sources, axis=0))
        merged += group.projections
    assert np.array_equal(total, np.sum([values[name] for name in operands], axis=0))
    assert sum(len(group.projections) for group in weight_groups(graph, operands)) == len(operands)
    assert len(merged) == len(set(merged))


def test_most_random_networks_share_something():
    sizes = [len(weight_groups(*random_operands(seed))) for seed in range(60)]
    assert sum(size < 12 for size in sizes) > 50


def two(first: str, second: str) -> tuple[WeightGroup, ...]:
    """The groups of two operands, each spelled as weight, then source, then `r` where it is routed."""
    b = GraphBuilder("two", 1)
    for name in "xy":
        b.add(Input("spike[3]"), name=name)
    for name in "ab":
        b.param(name, np.full((3, 3), ord(name), np.int8))
    names = []
    for weight, source, *routing in (first, second):
        value = b.add(Linear(), source, name=f"{weight}{source}", params={"weight": weight})
        names.append(b.add(Permute((0,)), value, name="r") if routing else value)
    graph = b.build({"g": b.add(Graded(8), *names, name="g")})
    return weight_groups(graph, graph.nodes["g"].inputs)


def test_weights_and_routing_must_be_the_same_and_sources_need_not():
    assert two("ax", "ay") == (WeightGroup("ax", ("ax", "ay")),)
    assert two("axr", "ayr") == (WeightGroup("r", ("ax", "ay")),)
    assert two("ax", "by") == (WeightGroup("ax", ("ax",)), WeightGroup("by", ("by",)))
    assert two("ax", "ayr") == (WeightGroup("ax", ("ax",)), WeightGroup("r", ("ay",)))


def test_operands_without_weights_stay_by_themselves():
    b = GraphBuilder("units", 1)
    x, y = (b.add(Input("spike[2x3]"), name=name) for name in "xy")
    units = [b.add(Synapse(2), source, name="s") for source in (x, y)]
    both = b.add(Add(), *units, name="both")
    wide = b.add(Expand((2, 3)), units[0], name="wide")
    graph = b.build({"g": b.add(Graded(8), *units, both, wide, name="g")})
    wanted = tuple(
        WeightGroup(name, (behind,)) for name, behind in (("s", "s"), ("s_2", "s_2"), ("both", "both"), ("wide", "s"))
    )
    assert weight_groups(graph, graph.nodes["g"].inputs) == wanted
    assert single_groups(graph, graph.nodes["g"].inputs) == wanted


def test_arithmetic_that_rounds_takes_operands_one_by_one():
    graph, operands = random_operands(1)
    assert [group.operand for group in single_groups(graph, operands)] == list(operands)
    assert len(weight_groups(graph, operands)) < len(operands)
