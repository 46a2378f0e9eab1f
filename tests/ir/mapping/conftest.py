"""Small chip graphs of every kind of connection, and their synapses unrolled one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from ir.graph import Graph, GraphBuilder, Node
from ir.ops import Add, Burst, Concat, Conv, Delay, Expand, Gather, Input, Linear, Past, Permute, Reshape, Sum, Synapse
from ir.ops.integer_neuron import IntegerLif

Array = np.ndarray[Any, Any]


NOWHERE = ("", 0)
"""The source of a wire that leads from nowhere; its weights are stored all the same."""


class UnrolledSynapse(NamedTuple):
    """One synapse into a neuron."""

    source: tuple[str, int]
    """Population or input, and its neuron."""
    projection: str
    element: int
    """Of the projection's operand, flat."""
    row: int
    """Output channel of the weights."""
    column: tuple[int, ...]
    """Input channel and tap of the weights; that of unit synapses is the element."""


def _neurons() -> IntegerLif:
    return IntegerLif(4095, 0, 1, 6, 12, 24)


def _weight(builder: GraphBuilder, *shape: int) -> dict[str, str]:
    weight = np.random.default_rng(sum(shape)).integers(-3, 4, shape).astype(np.int16)
    return {"weight": builder.param("w", weight)}


def dense() -> Graph:
    builder = GraphBuilder("dense", 2)
    x = builder.add(Input("spike[7]"), name="x")
    first = builder.add(Linear(), x, name="l0", params=_weight(builder, 5, 7))
    a = builder.add(_neurons(), first, name="a")
    second = builder.add(Linear(), a, name="l1", params=_weight(builder, 300, 5))
    return builder.build({"y": builder.add(_neurons(), second, name="b")})


def tokens() -> Graph:
    """A token-wise matrix, ANDs of two operands, a sum over tokens, and two populations in one."""
    builder = GraphBuilder("tokens", 2)
    x = builder.add(Input("spike[4x3]"), name="x")
    q = builder.add(_neurons(), builder.add(Linear(), x, name="lq", params=_weight(builder, 6, 3)), name="q")
    k = builder.add(_neurons(), builder.add(Linear(), x, name="lk", params=_weight(builder, 6, 3)), name="k")
    both = [builder.add(Synapse(), value, name=f"s{value}") for value in (q, k)]
    gate = builder.add(_neurons(), *both, name="gate")
    total = builder.add(_neurons(), builder.add(Sum((0,)), gate, name="sum"), name="total")
    wide = builder.add(Expand((4, 6)), total, name="wide")
    joined = builder.add(Concat(0), wide, k, name="joined")
    out = builder.add(Linear(), joined, name="lo", params=_weight(builder, 2, 6))
    return builder.build({"y": builder.add(_neurons(), out, name="out")})


def convolutions() -> Graph:
    """Stride, padding and groups; a residual sum of currents; a layer on what is flattened, with a wire from nowhere."""
    builder = GraphBuilder("convolutions", 2)
    x = builder.add(Input("spike[2x5x4]"), name="x")
    first = builder.add(Conv((1, 1), (1, 1), (1, 1)), x, name="c0", params=_weight(builder, 4, 2, 3, 3))
    a = builder.add(_neurons(), first, name="a")
    grouped = builder.add(Conv((1, 1), (1, 1), (1, 1), 2), a, name="c1", params=_weight(builder, 6, 2, 3, 3))
    straight = builder.add(Conv((1, 1), (0, 0), (1, 1)), a, name="c2", params=_weight(builder, 6, 4, 1, 1))
    b = builder.add(_neurons(), builder.add(Add(), grouped, straight, name="residual"), name="b")
    down = builder.add(Conv((2, 2), (1, 1), (1, 1)), b, name="c3", params=_weight(builder, 3, 6, 3, 3))
    c = builder.add(_neurons(), down, name="c")
    flat = builder.add(Reshape((18,)), builder.add(Permute((1, 2, 0)), c, name="last"), name="flat")
    picked = builder.add(Gather(0, (-1, *range(17))), flat, name="picked")
    out = builder.add(Linear(), picked, name="l", params=_weight(builder, 5, 18))
    return builder.build({"y": builder.add(_neurons(), out, name="out")})


def recurrent() -> Graph:
    """A loop, a delay line, and a synapse that waits for another path."""
    builder = GraphBuilder("recurrent", 3)
    x = builder.add(Input("spike[4]"), name="x")
    back = builder.add(Past("a", "spike[5]"), name="back")
    forward = builder.add(Linear(), x, name="l", params=_weight(builder, 5, 4))
    around = builder.add(Linear(), back, name="r", params=_weight(builder, 5, 5))
    a = builder.add(_neurons(), forward, around, name="a")
    late = builder.add(Delay(3), a, name="late")
    b = builder.add(_neurons(), builder.add(Linear(), late, name="m", params=_weight(builder, 5, 5)), name="b")
    ends = [builder.add(Synapse(), value, name=f"s{value}") for value in (a, b)]
    return builder.build({"y": builder.add(_neurons(), *ends, name="out")})


def micro_steps() -> Graph:
    """Neurons and synapses that a model step uses several times."""
    builder = GraphBuilder("micro", 2)
    x = builder.add(Input("spike[3x4]"), name="x")
    gates = builder.add(Synapse(micro=3), x, name="s")
    a = builder.add(IntegerLif(4095, 4096, 1, 6, 12, 24, micro=3), gates, name="a")
    total = builder.add(Sum((0,), micro=3), a, name="sum")
    return builder.build({"y": builder.add(_neurons(), total, name="b")})


def bursts() -> Graph:
    """Counts that are sent spike by spike: neurons that take a value once a step, and emit it in several micro-steps."""
    builder = GraphBuilder("bursts", 2)
    x = builder.add(Input("spike[3x4]"), name="x")
    a = builder.add(Burst(4), builder.add(Sum((1,)), x, name="count"), name="a")
    gates = builder.add(
        IntegerLif(4095, 4096, 1, 6, 12, 24, micro=4), builder.add(Synapse(micro=4), a, name="s"), name="b"
    )
    total = builder.add(Sum((0,), micro=4), gates, name="sum")
    return builder.build({"y": builder.add(_neurons(), total, name="c")})


CHIP_GRAPHS: dict[str, Callable[[], Graph]] = {
    each.__name__: each for each in (dense, tokens, convolutions, recurrent, micro_steps, bursts)
}


@pytest.fixture(params=CHIP_GRAPHS)
def chip_graph(request: pytest.FixtureRequest) -> Graph:
    """Each of the graphs."""
    return CHIP_GRAPHS[request.param]()


@pytest.fixture(scope="session")
def unroll() -> Callable[[Graph], dict[str, list[list[UnrolledSynapse]]]]:
    """Population -> per neuron its synapses, by loops over every element."""
    return unrolled


def unrolled(graph: Graph) -> dict[str, list[list[UnrolledSynapse]]]:
    """Population -> per neuron its synapses."""
    found: dict[str, list[list[UnrolledSynapse]]] = {}
    for node in graph.nodes.values():
        if node.op.family == "neuron":
            terms = [_terms(graph, value).ravel() for value in node.inputs]
            found[node.name] = [
                [synapse for each in terms for synapse in each[neuron]] for neuron in range(node.op.neurons(node.type))
            ]
    return found


def _terms(graph: Graph, value: str) -> Array:
    """What every element is the sum of: sources, or synapses behind a projection."""
    node = graph.nodes[value]
    if node.op.family in ("input", "neuron"):
        neurons = node.op.neurons(node.type) or node.type.size
        return _tuples([((value, index % neurons),) for index in range(node.type.size)], node.type.shape)
    if isinstance(node.op, (Delay, Past)):
        return _terms(graph, node.reads[0])
    operands = [_terms(graph, name) for name in node.inputs]
    if node.op.family == "projection":
        return _synapses(graph, node, operands[0])
    result = node.op.run(tuple(operand[None, None] for operand in operands), graph.arrays(node), 1)[0, 0]
    return _tuples([each or () for each in result.ravel()], node.type.shape)


def _tuples(elements: list[Any], shape: tuple[int, ...]) -> Array:
    array = np.empty(len(elements), object)
    array[:] = elements
    return array.reshape(shape)


def _synapses(graph: Graph, node: Node, operand: Array) -> Array:
    elements: list[tuple[UnrolledSynapse, ...]] = []
    numbers = np.arange(operand.size).reshape(operand.shape)
    for place in np.ndindex(*node.type.shape):
        reads = list(_reads(graph, node, operand.shape, place))
        elements.append(
            tuple(
                UnrolledSynapse(source, node.name, int(numbers[index]), row, column)
                for index, row, column in reads
                for source in operand[index] or (NOWHERE,)
            )
        )
    return _tuples(elements, node.type.shape)


def _reads(graph: Graph, node: Node, shape: tuple[int, ...], place: tuple[int, ...]) -> Any:
    """(element of the operand, row, column) of each synapse of one element of the result."""
    op = node.op
    if isinstance(op, Linear):
        for i in range(shape[-1]):
            yield (*place[:-1], i), place[-1], (i,)
    elif isinstance(op, Conv):
        rows, width, *kernel = graph.arrays(node)["weight"].shape
        first = place[0] // (rows // op.groups) * width
        for i in range(width):
            for tap in np.ndindex(*kernel):
                pixel = [
                    s * p + d * k - pad
                    for s, p, d, k, pad in zip(op.stride, place[1:], op.dilation, tap, op.padding, strict=True)
                ]
                if all(0 <= at < size for at, size in zip(pixel, shape[1:], strict=True)):
                    yield (first + i, *pixel), place[0], (first + i, *tap)
    elif isinstance(op, Sum):
        ranges = [
            range(1 if op.micro and not axis else size) if axis in op.axes else [place[axis]]
            for axis, size in enumerate(shape)
        ]
        for index in np.ndindex(*(len(each) for each in ranges)):
            yield tuple(each[at] for each, at in zip(ranges, index, strict=True)), 0, index
    else:
        yield place, 0, place
