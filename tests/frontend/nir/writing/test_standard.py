"""Stateless operations as nodes of NIR: run by NIR's equations, they compute what the operation computes."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.writing import standard
from frontend.nir.writing.fragments import Chain, NirFragment
from frontend.nir.writing.standard import STANDARD, flatten
from ir.graph import Array, Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import (
    OPS,
    Add,
    Concat,
    Delay,
    Expand,
    Gather,
    Input,
    Linear,
    Not,
    Offset,
    Op,
    Pad,
    Permute,
    Reshape,
    Scale,
    Slice,
    Subtract,
    Sum,
    Synapse,
)

RNG = np.random.default_rng(0)


def net(op: Op, *shapes: tuple[int, ...], kind: str = "spike", **params: Any) -> Graph:
    builder = GraphBuilder("net", 1)
    inputs = [
        builder.add(Input(f"{kind}[{'x'.join(map(str, shape))}]"), name=f"x{k}") for k, shape in enumerate(shapes)
    ]
    stored = {role: builder.param(role, np.asarray(array, np.float32)) for role, array in params.items()}
    return builder.build({"y": builder.add(op, *inputs, name="y", params=stored)})


def fragment(graph: Graph, expand: bool = True) -> NirFragment | None:
    node = graph.nodes["y"]
    return STANDARD[node.op.kind](graph, node, expand)


def through(chain: Chain, x: Array) -> Array:
    """(B, *shape) through nodes one after another."""
    for node in chain:
        if isinstance(node, nir.Scale):
            x = x * node.scale
        elif isinstance(node, nir.Flatten):
            shape = x.shape[1 + node.start_dim : 2 + node.end_dim]
            x = x.reshape(*x.shape[: 1 + node.start_dim], int(np.prod(shape)), *x.shape[2 + node.end_dim :])
        elif isinstance(node, nir.Conv1d | nir.Conv2d):  # of one tap
            x = np.tensordot(x, node.weight.reshape(node.weight.shape[:2]), (1, 1))
            x = np.moveaxis(x + node.bias, -1, 1)
        else:
            assert isinstance(node, nir.Linear | nir.Affine)
            x = np.einsum("...oi,b...i->b...o", node.weight, x) + (node.bias if isinstance(node, nir.Affine) else 0)
    return x


def computed(item: NirFragment, inputs: list[Array]) -> Array:
    """Every operand through its branch, all added up through the trunk."""
    branches = item.branches or ((),) * len(inputs)
    return through(item.trunk, sum(through(branch, x) for branch, x in zip(branches, inputs, strict=True)))


W, B = RNG.normal(size=(5, 4)), RNG.normal(size=5)
CASES: dict[str, Graph] = {
    "linear": net(Linear(), (4,), weight=W),
    "linear with a bias": net(Linear(), (4,), weight=W, bias=B),
    "linear on tokens": net(Linear(), (3, 4), weight=W, bias=B),
    "add": net(Add(), (2, 3), (2, 3), (2, 3)),
    "subtract": net(Subtract(), (2, 3), (2, 3), kind="real"),
    "synapse": net(Synapse(), (4,)),
    "synapse of a weight": net(Synapse(-0.5), (4,)),
    "scale": net(Scale(0.25), (2, 3)),
    "scale of every element": net(Scale(), (2, 3), weight=RNG.normal(size=(2, 3))),
    "scale of rows": net(Scale(), (2, 3), weight=RNG.normal(size=(2, 1))),
    "offset": net(Offset(0.5), (4,)),
    "offset of channels": net(Offset(), (2, 3), bias=[[1.0], [2.0]]),
    "not": net(Not(), (4,)),
    "reshape": net(Reshape((6,)), (2, 3)),
    "sum": net(Sum((0,), 0.5), (4,)),
    "sum within tokens": net(Sum((1,)), (3, 4)),
    "slice": net(Slice(0, 1, 3), (4,)),
    "slice of every token": net(Slice(1, 1, 3), (2, 4)),
    "concat": net(Concat(0), (2,), (3,)),
    "concat of tokens": net(Concat(1), (2, 2), (2, 1)),
    "expand": net(Expand((4,)), (1,)),
    "permute": net(Permute((0,)), (4,)),
    "gather": net(Gather(0, (2, -1, 0, 0)), (3,)),
    "gather of every token": net(Gather(1, (2, -1, 0)), (2, 3)),
    "pad": net(Pad(0, 1, 2), (3,)),
}
ELSEWHERE = {"input", "conv", "delay"}
"""Sources, what test_kernels runs, and what takes time."""


def test_every_rule_has_a_case() -> None:
    assert {case.split()[0] for case in CASES} | ELSEWHERE == STANDARD.keys() <= OPS.keys()


@pytest.mark.parametrize("case", CASES)
def test_rules_compute_what_the_operation_computes(case: str) -> None:
    graph = CASES[case]
    item = fragment(graph)
    assert item is not None
    arrays = {node.name: RNG.integers(0, 2, (1, 7, *node.type.shape)).astype(np.float32) for node in graph.inputs}
    expected = interpret(graph, arrays)["y"][0]
    result = computed(item, [array[0] for array in arrays.values()])
    np.testing.assert_allclose(result.reshape(expected.shape), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "graph",
    [
        net(Sum((0,)), (3, 4)),  # a token reads another one
        net(Subtract(), (2, 3), (1, 3), kind="real"),  # an operand is repeated
        net(Scale(), (1, 3), weight=np.ones((2, 3))),  # the value becomes larger
        net(Offset(), (1, 3), bias=np.ones((2, 3))),
        net(Reshape((2, 3)), (6,)),  # NIR cannot take axes apart
        net(Permute((1, 0)), (2, 3)),
        net(Permute((1, 0)), (3, 3)),
        net(Slice(0, 0, 1), (2, 3)),
    ],
)
def test_what_nir_cannot_say(graph: Graph) -> None:
    assert fragment(graph) is None


@pytest.mark.parametrize(
    "case",
    ["linear on tokens", "offset", "offset of channels", "not", "sum", "slice", "concat", "expand", "pad"],
)
def test_without_copies_there_are_fewer_nodes(case: str) -> None:
    assert fragment(CASES[case], expand=False) is None


@pytest.mark.parametrize("case", ["linear on tokens", "slice", "pad"])
def test_copies_are_bounded(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standard, "MAX_COPIES", 5)
    assert fragment(CASES[case]) is None


def test_arrays_of_the_graph_are_shared() -> None:
    item = fragment(CASES["linear with a bias"])
    assert item is not None
    (node,) = item.trunk
    assert node.weight is CASES["linear with a bias"].params["weight"]
    assert node.bias is CASES["linear with a bias"].params["bias"]


def test_sources_say_their_shape_and_domain() -> None:
    for kind in ("spike", "real"):
        graph = net(Synapse(), (2, 3), kind=kind)
        (node,) = STANDARD["input"](graph, graph.nodes["x0"], True).trunk
        assert (node.input_type["input"].tolist(), node.metadata) == ([2, 3], {"domain": kind})


def test_delays_have_steps_for_every_element() -> None:
    for graph, steps in ((net(Delay(2), (2,)), [2, 2]), (net(Delay(), (2,), steps=np.array([1, 3])), [1, 3])):
        item = fragment(graph)
        assert item is not None
        assert item.trunk[0].delay.tolist() == steps


@pytest.mark.parametrize(
    ("before", "after", "axes"),
    [
        ((2, 3, 4), (6, 4), (0, 1)),
        ((2, 3, 4), (2, 12), (1, 2)),
        ((2, 3, 4), (24,), (0, 2)),
        ((2, 3), (2, 3), (0, 0)),
        ((2, 1, 3), (2, 3), (0, 1)),
        ((6,), (2, 3), None),
        ((2, 3, 4), (4, 6), None),
        ((1,), (), None),
        ((), (1,), None),
    ],
)
def test_neighbouring_axes_are_merged(before: Any, after: Any, axes: Any) -> None:
    node = flatten(before, after)
    if axes is None:
        assert node is None
        return
    assert isinstance(node, nir.Flatten)
    assert (node.start_dim, node.end_dim) == axes
