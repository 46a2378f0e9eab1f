"""Fan-outs against one active element at a time, sent through weights of one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ir.analysis.fan_out import UniformFanOut, fan_out, uniform_fan_outs
from ir.graph import Graph, GraphBuilder, Node
from ir.ops import Concat, Conv, Delay, Expand, Graded, Input, Linear, Permute, Reshape, Slice, Sum, Synapse
from ir.ops.base import Op


def reached(graph: Graph, node: Node) -> np.ndarray:
    """Targets that every element of a projection's operand reaches, one element at a time."""
    shape = graph.args(node)[0].shape
    ones = {role: np.ones(array.shape) for role, array in graph.arrays(node).items()}
    synapses = np.zeros(shape, int)
    for element in np.ndindex(*shape):
        alone = np.zeros((1, 1, *shape))
        alone[(0, 0, *element)] = 1
        synapses[element] = np.count_nonzero(node.op.run((alone,), ones, 1))
    return synapses


def projection(op: Op, shape: tuple[int, ...], weight: tuple[int, ...] | None = None) -> tuple[Graph, Node]:
    b = GraphBuilder("one", 1)
    x = b.add(Input(f"spike[{'x'.join(map(str, shape))}]"), name="x")
    params = {} if weight is None else {"weight": b.param("w", np.zeros(weight, np.int8))}
    graph = b.build({"y": b.add(Graded(8), b.add(op, x, name="p", params=params), name="y")})
    return graph, graph.nodes["p"]


@given(st.data())
def test_convolutions_reach_what_they_reach(data: st.DataObject):
    rank = data.draw(st.integers(1, 2))
    axes = lambda low, high: tuple(data.draw(st.integers(low, high)) for _ in range(rank))
    op = Conv(axes(1, 3), axes(0, 3), axes(1, 2), groups=data.draw(st.integers(1, 2)))
    sizes, taps = axes(1, 6), axes(1, 3)
    padded = [size + 2 * pad for size, pad in zip(sizes, op.padding, strict=True)]
    spans = [gap * (n - 1) + 1 for gap, n in zip(op.dilation, taps, strict=True)]
    assume(all(span <= size for span, size in zip(spans, padded, strict=True)))
    graph, node = projection(op, (2 * op.groups, *sizes), (3 * op.groups, 2, *taps))
    assert np.array_equal(np.broadcast_to(fan_out(graph, node), graph.args(node)[0].shape), reached(graph, node))


@pytest.mark.parametrize(
    ("op", "shape", "weight"),
    [
        (Linear(), (3, 4), (5, 4)),
        (Synapse(-2), (2, 3), None),
        (Sum((0, 2), 3), (2, 3, 4), None),
        (Synapse(1, micro=3), (3, 2), None),
        (Sum((0,), 1, micro=3), (3, 2), None),
    ],
)
def test_other_projections_reach_what_they_reach(op: Op, shape: tuple[int, ...], weight: tuple[int, ...] | None):
    graph, node = projection(op, shape, weight)
    assert np.array_equal(np.broadcast_to(fan_out(graph, node), shape), reached(graph, node))


def routed(*routes: Op, weight: int = 3) -> dict[str, UniformFanOut]:
    """The uniform fan-outs of a linear projection behind routing of x (2, 6)."""
    b = GraphBuilder("routed", 2)
    value = b.add(Input("spike[2x6]"), name="x")
    for route in routes:
        value = b.add(route, value, name="route")
    matrix = b.param("w", np.ones((weight, b.type(value).shape[-1]), np.int8))
    return uniform_fan_outs(
        b.build({"y": b.add(Graded(8), b.add(Linear(), value, name="p", params={"weight": matrix}), name="y")})
    )


def test_renamed_and_copied_wires_keep_a_fan_out_uniform():
    assert routed() == {"p": UniformFanOut("x", 3)}
    assert routed(Permute((1, 0)), Reshape((3, 4))) == {"p": UniformFanOut("x", 3)}
    assert routed(Reshape((2, 1, 6)), Expand((2, 5, 6)), weight=4) == {"p": UniformFanOut("x", 20)}


def test_parts_joints_delays_and_images_are_counted_one_by_one():
    assert routed(Slice(1, 0, 3)) == {}
    assert routed(Delay(1)) == {}
    b = GraphBuilder("joined", 2)
    x, y = (b.add(Input("spike[3]"), name=name) for name in "xy")
    current = b.add(Synapse(), b.add(Concat(0), x, y, name="join"), name="p")
    assert uniform_fan_outs(b.build({"y": b.add(Graded(8), current, name="z")})) == {}
    graph, _ = projection(Conv((1,), (1,), (1,)), (2, 5), (3, 2, 3))
    assert uniform_fan_outs(graph) == {}
    graph, _ = projection(Conv((1,), (1,), (1,)), (2, 1), (3, 2, 3))
    assert uniform_fan_outs(graph) == {"p": UniformFanOut("x", 3)}
