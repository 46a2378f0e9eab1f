"""Batch and time axes at the ends of a network are dropped where its layers expect none, with a remark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from frontend.nir.reading.batch_axes import infer_shapes_without_batch
from frontend.nir.reading.flatten import FlatGraph, flatten
from frontend.nir.reading.raw import RawGraph, RawNode
from frontend.nir.reading.reader import read_network
from ir.errors import CompileError
from tests.frontend.nir.reading.nodes import full, neuron, source

Write = Callable[..., Path]


@pytest.mark.parametrize(("end", "shape"), [("in", [1, 3]), ("out", [1, 1, 3]), ("out", [1, 3])])
def test_batch_and_time_axes_at_the_ends(write_file: Write, end: str, shape: list[int]) -> None:
    nodes = {"in": source(3), "n": neuron(3), "out": {"type": "Output", "shape": [3]}}
    for wrong in ([*shape[:-1], 4], [2, *shape[1:]]):
        with pytest.raises(CompileError, match="joins different shapes"):
            read_network(write_file({**nodes, end: {**nodes[end], "shape": wrong}}, [("in", "n"), ("n", "out")]))
    network = read_network(write_file({**nodes, end: {**nodes[end], "shape": shape}}, [("in", "n"), ("n", "out")]))
    assert network.nodes["in"].output_shape == network.nodes["out"].output_shape == (3,)
    assert [name for _, name, _ in network.remarks] == [end]
    right = read_network(write_file(nodes, [("in", "n"), ("n", "out")]))
    assert right.remarks == ()


def graph(start: tuple[int, ...], end: tuple[int, ...], *population: int) -> FlatGraph:
    ends = {"x": RawNode("Input", {"shape": np.array(start)}), "y": RawNode("Output", {"shape": np.array(end)})}
    one = full(*population)
    return flatten(RawGraph({**ends, "n": RawNode("IF", {"r": one, "v_threshold": one})}, (("x", "n"), ("n", "y"))))


def test_a_graph_that_is_right_is_left_alone() -> None:
    """One axis of length 1 that the population has, too."""
    flat = graph((1, 3), (1, 3), 1, 3)
    assert infer_shapes_without_batch(flat)[0] is flat
    assert infer_shapes_without_batch(flat)[2] == ()


def test_both_ends_may_count_batch_and_time() -> None:
    flat, (inputs, outputs), remarks = infer_shapes_without_batch(graph((1, 3), (1, 1, 3), 3))
    assert set(inputs.values()) | set(outputs.values()) == {(3,)}
    assert dict(remarks) == {
        "x": "its shape (1, 3) counts batch or time; read as (3,)",
        "y": "its shape (1, 1, 3) counts batch or time; read as (3,)",
    }
    assert flat.nodes["x"].input_shape is None


@pytest.mark.parametrize("start", [(1, 1, 1, 3), (2, 3), (1, 4), (3, 1)])
def test_other_axes_are_contradictions(start: tuple[int, ...]) -> None:
    with pytest.raises(CompileError, match="joins different shapes"):
        infer_shapes_without_batch(graph(start, (3,), 3))
