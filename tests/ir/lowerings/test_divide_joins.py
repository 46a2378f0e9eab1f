"""What reads unlike joins, divided: the same numbers, and nothing reads all parts any more that is linear in each."""

from __future__ import annotations

import numpy as np
import pytest

from ir.graph import Graph, GraphBuilder, Node, Provenance
from ir.interpreter import interpret
from ir.lowerings.divide_joins import divide_joins
from ir.ops import (
    BatchNorm,
    Concat,
    Conv,
    Delay,
    Expand,
    Function,
    Input,
    Linear,
    MaxPool,
    Offset,
    Pad,
    Permute,
    Reshape,
    Scale,
    Slice,
    Sum,
)
from ir.ops.base import Op

UNLIKE = ("spike", "real", "current")
NORM = ("mean", "var", "weight", "bias")
Case = tuple[Op, dict[str, tuple[int, ...]]]


def _conv(out: int, inputs: int, kernel: tuple[int, int], groups: int = 1, pad: tuple[int, int] = (0, 0)) -> Case:
    return Conv((1, 1), pad, (1, 1), groups), {"weight": (out, inputs, *kernel), "bias": (out,)}


DIVIDED: dict[str, tuple[int, Case, int]] = {
    "conv": (0, _conv(5, 6, (2, 3), pad=(1, 1)), 0),
    "conv in groups": (0, _conv(12, 1, (1, 3), groups=6), 3),
    "conv of single rows": (1, _conv(5, 2, (1, 2)), 3),
    "linear": (2, (Linear(), {"weight": (5, 6), "bias": (5,)}), 0),
    "linear without a bias": (2, (Linear(), {"weight": (5, 6)}), 0),
    "linear of each": (0, (Linear(), {"weight": (5, 4), "bias": (5,)}), 3),
    "sum over the parts": (0, (Sum((0, 2), weight=0.5), {}), 0),
    "sum of each": (0, (Sum((1,)), {}), 3),
    "factor": (1, (Scale(0.5), {}), 3),
    "factors": (0, (Scale(), {"weight": (6, 1, 1)}), 3),
    "factors of other axes": (0, (Scale(), {"weight": (2, 4)}), 3),
    "terms": (1, (Offset(), {"bias": (6, 4)}), 3),
    "norm of the joined axis": (0, (BatchNorm(0, 0.5), dict.fromkeys(NORM, (6,))), 3),
    "norm of another": (1, (BatchNorm(2, 0.5), dict.fromkeys(NORM, (4,))), 3),
    "maximum": (0, (MaxPool((2, 2), (1, 2), (0, 0), (1, 1)), {}), 3),
    "delay": (2, (Delay(1), {}), 3),
    "permute": (0, (Permute((2, 0, 1)), {}), 3),
    "flat": (0, (Reshape((48,)), {}), 3),
    "other axes merged": (0, (Reshape((6, 8)), {}), 3),
    "leading axes merged": (2, (Reshape((8, 6)), {}), 3),
    "merged with the one behind": (1, (Reshape((2, 24)), {}), 3),
    "an axis in front": (0, (Reshape((1, 6, 2, 4)), {}), 3),
    "zeros along another axis": (0, (Pad(1, 1, 0), {}), 3),
    "slice across": (0, (Slice(0, 2, 5), {}), 2),
    "slice along": (0, (Slice(2, 1, 3), {}), 3),
    "slice of one": (0, (Slice(0, 1, 2), {}), 1),
    "slice of all of one": (0, (Slice(0, 1, 3), {}), 1),
}
"""Axis of the join, what reads it, and of how many parts the result is joined; 0 where it is their sum."""
WHOLE: dict[str, tuple[int, Case]] = {
    "pixels": (2, _conv(5, 2, (1, 2))),
    "groups across parts": (0, _conv(4, 3, (1, 1), groups=2)),
    "steps": (0, (BatchNorm(-1, 0.5, timed=True), dict.fromkeys(NORM, (2,)))),
    "maximum along": (1, (MaxPool((2, 2), (1, 2), (0, 0), (1, 1)), {})),
    "delays": (0, (Delay(), {"steps": (6, 2, 4)})),
    "mixed with the axes before": (2, (Reshape((48,)), {})),
    "cut between parts": (0, (Reshape((3, 2, 2, 4)), {})),
    "zeros along": (0, (Pad(0, 1, 0), {})),
    "nonlinear": (0, (Function("square"), {})),
}
"""Axis of the join, and what reads it as a whole."""


def _join(builder: GraphBuilder, axis: int, domains: tuple[str, ...] = UNLIKE) -> str:
    """1, 2 and 3 elements of unlike values along an axis; the others have 2 and 4."""
    shapes = [[*(2, 4)[:axis], length, *(2, 4)[axis:]] for length in range(1, len(domains) + 1)]
    kinds = [f"{domain}[{'x'.join(map(str, shape))}]" for domain, shape in zip(domains, shapes, strict=True)]
    return builder.add(Concat(axis), *(builder.add(Input(kind), name="part") for kind in kinds), name="cat")


def _read(builder: GraphBuilder, value: str, case: Case) -> str:
    random, (op, shapes) = np.random.default_rng(0), case
    arrays = {role: random.integers(1, 5, shape) / 4 for role, shape in shapes.items() if role != "steps"}
    params = {role: builder.param(f"net.{role}", array.astype(np.float32)) for role, array in arrays.items()}
    if "steps" in shapes:
        params["steps"] = builder.param("net.steps", random.integers(0, 2, shapes["steps"]))
    return builder.add(op, value, name="y", params=params, provenance=Provenance("net.layer"))


def _divided(builder: GraphBuilder, value: str) -> Graph:
    """The graph behind `divide_joins`, which computes the same."""
    graph = builder.build({"y": value})
    divided = divide_joins(graph, "a_pass")
    random = np.random.default_rng(1)
    inputs = {node.name: random.integers(0, 3, (2, 5, *node.type.shape)) / 2.0 for node in graph.inputs}
    expected, got = interpret(graph, inputs)["y"], interpret(divided, inputs)["y"]
    assert len(np.unique(expected)) > 1
    np.testing.assert_array_equal(got, expected)
    return divided


def _last(graph: Graph) -> Node:
    return graph.nodes[graph.outputs["y"]]


@pytest.mark.parametrize("case", DIVIDED)
def test_each_part_is_read_by_itself(case: str):
    axis, reader, parts = DIVIDED[case]
    builder = GraphBuilder("joined", 2)
    graph = _divided(builder, _read(builder, _join(builder, axis), reader))
    last = _last(graph)
    if parts == 1:
        assert last.op.kind in ("slice", "input")
    else:
        assert (last.name, last.op.kind, len(last.inputs)) == ("y", "concat" if parts else "add", parts or 3)
        assert last.provenance == Provenance("net.layer")
    assert not any(node.op.kind == "concat" and node.name != "y" for node in graph.nodes.values())
    made = [node for node in graph.nodes.values() if node.op.kind != "input" and node is not last]
    assert {node.provenance for node in made} <= {Provenance("net.layer", ("a_pass",))}


@pytest.mark.parametrize("case", WHOLE)
def test_what_mixes_the_parts_reads_all_of_them(case: str):
    axis, reader = WHOLE[case]
    builder = GraphBuilder("joined", 2)
    value = _read(builder, _join(builder, axis), reader)
    assert "cat" in _last(_divided(builder, value)).inputs


@pytest.mark.parametrize(
    ("reader", "kinds"),
    [((Expand((5, 4)), {}), ["expand", "expand", "concat"]), ((Scale(), {"weight": (1, 4)}), ["concat", "scale"])],
)
def test_longer_along_another_axis(reader: Case, kinds: list[str]):
    builder = GraphBuilder("joined", 2)
    parts = [builder.add(Input(kind), name="part") for kind in ("spike[2x1]", "real[3x1]")]
    value = _read(builder, builder.add(Concat(0), *parts, name="cat"), reader)
    assert [node.op.kind for node in _divided(builder, value).nodes.values()][2:] == kinds


def test_parts_of_one_element_are_added_up_as_they_are():
    builder = GraphBuilder("joined", 2)
    parts = [builder.add(Input(kind), name="part") for kind in ("spike[1x4]", "real[1x4]")]
    value = builder.add(Sum((0,)), builder.add(Concat(0), *parts, name="cat"), name="y")
    assert [node.op.kind for node in _divided(builder, value).nodes.values()] == ["input", "input", "add"]
    half = builder.add(Sum((0,), weight=0.5), "cat", name="half")
    kinds = [node.op.kind for node in _divided(builder, half).nodes.values()]
    assert kinds == ["input", "input", "scale", "scale", "add"]


@pytest.mark.parametrize(("axis", "parts"), [(0, 4), (1, 2)])
def test_a_join_of_joins_is_one_along_the_same_axis(axis: int, parts: int):
    builder = GraphBuilder("joined", 2)
    inner = _join(builder, 0)
    kind = {0: "spike[2x2x4]", 1: "spike[6x1x4]"}[axis]
    outer = builder.add(Concat(axis), builder.add(Input(kind), name="more"), inner, name="outer")
    value = builder.add(Scale(2.0), outer, name="y")
    assert len(_last(_divided(builder, value)).inputs) == parts


def test_one_behind_the_other():
    builder = GraphBuilder("joined", 2)
    shifted = _read(builder, _join(builder, 0), (Offset(), {"bias": (6, 1, 1)}))
    flat = builder.add(Reshape((48,)), builder.add(Scale(-1.0), shifted, name="negative"), name="flat")
    weight = builder.param("w", (np.random.default_rng(0).integers(-3, 4, (5, 48)) / 4).astype(np.float32))
    graph = _divided(builder, builder.add(Linear(), flat, name="fc", params={"weight": weight}))
    assert _last(graph).op.kind == "add"
    assert not any(node.op.kind == "concat" for node in graph.nodes.values())
    np.testing.assert_array_equal(graph.params["w.part_8_24"], builder.array(weight)[:, 8:24])


@pytest.mark.parametrize("domains", [("spike", "spike"), ("count<2>", "count<2>"), ("graded<8>", "graded<8>")])
def test_like_populations_stay_joined(domains: tuple[str, ...]):
    builder = GraphBuilder("joined", 2)
    value = builder.add(Sum((0,)), _join(builder, 0, domains), name="y")
    graph = builder.build({"y": value})
    assert divide_joins(graph, "a_pass") is graph


@pytest.mark.parametrize("domains", [("spike", "count<2>"), ("graded<8>", "spike"), ("graded<8>", "graded<16>")])
def test_unlike_populations_do_not(domains: tuple[str, ...]):
    builder = GraphBuilder("joined", 2)
    graph = _divided(builder, builder.add(Sum((0,)), _join(builder, 0, domains), name="y"))
    assert [node.op.kind for node in graph.nodes.values()][2:] == ["sum", "sum", "add"]
