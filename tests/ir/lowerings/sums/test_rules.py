"""Sums move before everything linear, exactly on dyadic numbers, and stop where they must not."""

from __future__ import annotations

import numpy as np
import pytest

from ir.graph import Array, Graph, GraphBuilder
from ir.interpreter import interpret
from ir.lowerings.rewriter import Rewriter
from ir.lowerings.sums.rules import advanced_sum
from ir.ops import (
    Add,
    BatchNorm,
    Concat,
    Conv,
    Function,
    Input,
    Linear,
    Offset,
    Permute,
    Reshape,
    Scale,
    Slice,
    Subtract,
    Sum,
    TimeSum,
    TimeWeight,
)
from ir.ops.base import Op

T = 3
RANDOM = np.random.default_rng(0)


def dyadic(*shape: int) -> Array:
    """Eighths, no zeros."""
    return RANDOM.choice([-0.75, -0.5, 0.125, 0.25, 1.5], shape).astype(np.float32)


def moved(graph: Graph, name: str) -> Graph:
    """The graph with one sum moved."""
    return Rewriter(graph, "pass").run(lambda to, node: advanced_sum(to, node) if node.name == name else None)


def assert_same(before: Graph, after: Graph) -> None:
    random = np.random.default_rng(2)
    shapes = {node.name: (1 if node.type.static else T, 5, *node.type.shape) for node in before.inputs}
    spikes = {name: random.integers(0, 2, shape).astype(np.float32) for name, shape in shapes.items()}
    expected, got = interpret(before, spikes), interpret(after, spikes)
    for name in expected:
        np.testing.assert_array_equal(expected[name], got[name])
    assert [after.nodes[value].type for value in after.outputs.values()] == [
        before.nodes[value].type for value in before.outputs.values()
    ]


Step = tuple[Op, dict[str, Array]]
NORM = {
    "mean": dyadic(6),
    "var": np.array([0.25, 1, 4, 1, 0.25, 4], np.float32),
    "weight": dyadic(6),
    "bias": dyadic(6),
}
POINTWISE: Step = (Conv((1, 1), (0, 0), (1, 1)), {"weight": dyadic(6, 4, 1, 1), "bias": dyadic(6)})
KERNEL: Step = (Conv((1, 1), (1, 1), (1, 1)), {"weight": dyadic(6, 4, 3, 3), "bias": dyadic(6)})
ROWS: Step = (Conv((1, 1), (1, 0), (1, 1)), {"weight": dyadic(6, 4, 3, 1)})
STRIDED: Step = (Conv((2, 2), (0, 0), (1, 1)), {"weight": dyadic(6, 4, 1, 1)})
WIDE: Step = (Conv((2, 1), (1, 2), (1, 2), 2), {"weight": dyadic(6, 2, 2, 3), "bias": dyadic(6)})
SPREAD: Step = (Conv((1, 1), (1, 0), (1, 1), 1, (2, 1), (1, 2)), {"weight": dyadic(6, 4, 3, 2)})
TOKENS: Step = (Linear(), {"weight": dyadic(6, 3), "bias": dyadic(6)})
OVER_TIME, OVER_PIXELS, MEAN = TimeSum(), Sum((1, 2)), Sum((1, 2), 0.125)
READ_OUTS: dict[str, list[Step]] = {
    "pointwise": [POINTWISE, (OVER_TIME, {}), (MEAN, {})],
    "pixels, then steps": [POINTWISE, (MEAN, {}), (TimeSum(0.5), {})],
    "norm": [POINTWISE, (BatchNorm(0, 0.0), NORM), (MEAN, {}), (OVER_TIME, {})],
    "kernel": [KERNEL, (BatchNorm(0, 0.0), NORM), (MEAN, {}), (OVER_TIME, {})],
    "kernel of groups, strides and gaps": [WIDE, (MEAN, {}), (OVER_TIME, {})],
    "kernel along one axis": [WIDE, (Sum((1,)), {}), (OVER_TIME, {})],
    "transposed kernel": [SPREAD, (MEAN, {}), (OVER_TIME, {})],
    "kernel along rows": [ROWS, (Sum((2,)), {}), (OVER_TIME, {})],
    "every second pixel": [STRIDED, (MEAN, {}), (OVER_TIME, {})],
    "tokens": [(Reshape((8, 3)), {}), TOKENS, (Sum((0,)), {}), (OVER_TIME, {})],
    "weighted steps": [POINTWISE, (MEAN, {}), (TimeWeight(), {"weight": dyadic(T)}), (OVER_TIME, {})],
    "equal steps": [POINTWISE, (TimeWeight(), {"weight": np.full(T, 0.25, np.float32)}), (OVER_TIME, {})],
    "features of steps": [POINTWISE, (TimeWeight(), {"weight": dyadic(T, 6, 1, 3)}), (OVER_TIME, {})],
    "weighted steps stay": [POINTWISE, (TimeWeight(), {"weight": dyadic(T)}), (MEAN, {})],
    "flattened": [POINTWISE, (Reshape((6, 6)), {}), (Sum((1,), 0.25), {}), (Reshape((6,)), {}), (OVER_TIME, {})],
    "cut": [POINTWISE, (Reshape((12, 3)), {}), (Sum((0,)), {}), (OVER_TIME, {})],
    "channels last": [POINTWISE, (Permute((1, 2, 0)), {}), (Sum((0, 1)), {}), (OVER_TIME, {})],
    "channels": [POINTWISE, (Sum((0,)), {}), (OVER_TIME, {})],
    "part": [POINTWISE, (Slice(0, 1, 3), {}), (MEAN, {}), (OVER_TIME, {})],
    "part of pixels": [POINTWISE, (Slice(1, 0, 1), {}), (MEAN, {}), (OVER_TIME, {})],
    "factor": [POINTWISE, (Scale(0.5), {}), (MEAN, {}), (OVER_TIME, {})],
    "factors of channels": [POINTWISE, (Scale(), {"weight": dyadic(6, 1, 1)}), (MEAN, {}), (OVER_TIME, {})],
    "factors of pixels": [POINTWISE, (Scale(), {"weight": dyadic(2, 3)}), (MEAN, {}), (OVER_TIME, {})],
    "term": [POINTWISE, (Offset(0.5), {}), (MEAN, {}), (OVER_TIME, {})],
    "terms of pixels": [POINTWISE, (Offset(), {"bias": dyadic(2, 3)}), (MEAN, {}), (OVER_TIME, {})],
    "terms of rows": [POINTWISE, (Offset(), {"bias": dyadic(6, 2, 1)}), (MEAN, {}), (OVER_TIME, {})],
    "not linear": [POINTWISE, (Function("square"), {}), (MEAN, {}), (OVER_TIME, {})],
    "sums of sums": [(Sum((1,)), {}), POINTWISE, (Sum((2,)), {}), (OVER_TIME, {})],
}


def read_out(steps: list[Step]) -> Graph:
    builder = GraphBuilder("host", T)
    value = builder.add(Input("spike[4x2x3]"), name="s")
    for place, (op, arrays) in enumerate(steps):
        params = {role: builder.param(f"{op.kind}{place}.{role}", array) for role, array in arrays.items()}
        value = builder.add(op, value, name=f"{op.kind}{place}", params=params)
    return builder.build({"y": value})


@pytest.mark.parametrize("name", READ_OUTS)
def test_what_is_read_out_stays_the_same(name: str):
    graph = read_out(READ_OUTS[name])
    for node in graph.nodes.values():
        if isinstance(node.op, Sum | TimeSum):
            assert_same(graph, moved(graph, node.name))


@pytest.mark.parametrize(
    "name", ["pointwise", "norm", "tokens", "weighted steps", "flattened", "channels last", "part"]
)
def test_weights_meet_one_sum_per_feature(name: str):
    """Of 4 channels, or 3 features of a token, and nothing else."""
    graph = read_out(READ_OUTS[name])
    last = list(graph.nodes)[-1]
    after = moved(graph, last)
    (arg,) = [after.nodes[node.inputs[0]].type for node in after.nodes.values() if isinstance(node.op, Conv | Linear)]
    assert (arg.size, arg.static) == (3 if name == "tokens" else 4, True)


def test_a_kernel_meets_the_sums_of_what_its_taps_read():
    """By hand: a kernel of 3 on 2 pixels, with a zero on either side: its taps read the first, both, the second."""
    builder = GraphBuilder("host", T)
    s = builder.add(Input("spike[1x2]"), name="s")
    params = {"weight": builder.param("w", dyadic(1, 1, 3))}
    convolved = builder.add(Conv((1,), (1,), (1,)), s, name="conv", params=params)
    graph = builder.build({"y": builder.add(Sum((1,)), convolved, name="y")})
    after = moved(graph, "y")
    assert_same(graph, after)
    assert [node.op.kind for node in after.nodes.values()] == ["input", "linear", "conv"]
    np.testing.assert_array_equal(after.params["conv.taps"], [[1, 0], [1, 1], [0, 1]])


def test_a_kernel_meets_the_sum_over_steps():
    graph = read_out([KERNEL, (OVER_TIME, {})])
    after = moved(graph, "time_sum1")
    assert_same(graph, after)
    assert [node.op.kind for node in after.nodes.values()] == ["input", "time_sum", "conv"]


@pytest.mark.parametrize("op", [Add(), Subtract()])
def test_operands_that_are_repeated_or_the_same_at_every_step_count_as_often(op: Op):
    builder = GraphBuilder("host", T)
    a, b, c = (builder.add(Input(kind), name=name) for name, kind in INPUTS.items())
    weight = {"weight": builder.param("w", dyadic(3, 3))}
    left = builder.add(Linear(), a, name="left", params=weight)
    right = builder.add(Linear(), b, name="right", params=weight)
    value = builder.add(op, builder.add(op, left, right, name="two"), c, name="three")
    total = builder.add(Sum((0, 1), 0.5), value, name="pixels")
    graph = builder.build({"y": builder.add(TimeSum(), total, name="y")})
    assert_same(graph, moved(graph, "y"))


INPUTS = {"a": "spike[4x2x3]", "b": "spike[2x3] static", "c": "real[4x1x1]"}


@pytest.mark.parametrize("axis", [0, 1])
def test_what_lies_side_by_side(axis: int):
    """Along the axis of channels sums move before the concatenation, along that of pixels they stay."""
    builder = GraphBuilder("host", T)
    a, b = (builder.add(Input("spike[4x3]"), name=name) for name in "ab")
    weights = [builder.param(name, dyadic(4, 4, 1)) for name in ("v", "w")]
    convolved = [
        builder.add(Conv((1,), (0,), (1,)), value, name="conv", params={"weight": weight})
        for value, weight in zip((a, b), weights, strict=True)
    ]
    joined = builder.add(Concat(axis), *convolved, name="joined")
    graph = builder.build({"y": builder.add(Sum((1,)), joined, name="y")})
    after = moved(graph, "y")
    assert_same(graph, after)
    assert ("joined" in after.nodes) == (axis == 1)


def test_of_a_stream_steps_are_not_known():
    """Sums over features move there, too, those over steps do not."""
    builder = GraphBuilder("host", 0)
    s = builder.add(Input("spike[4x3]"), name="s")
    params = {"weight": builder.param("w", dyadic(6, 4, 1)), "bias": builder.param("b", dyadic(6))}
    value = builder.add(Conv((1,), (0,), (1,)), s, name="conv", params=params)
    mean = builder.add(Sum((1,)), value, name="mean")
    graph = builder.build({"y": builder.add(TimeSum(), mean, name="y")})
    assert moved(graph, "y") is graph
    after = moved(graph, "mean")
    assert_same(graph, after)
    assert [node.op.kind for node in after.nodes.values()] == ["input", "sum", "conv", "time_sum"]
