"""What parameters fix spreads along the edges, forwards, backwards and around loops; contradictions are named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frontend.nir.reading.flatten import FlatGraph, flatten
from frontend.nir.reading.network import NirNetwork
from frontend.nir.reading.raw import RawGraph, RawNode
from frontend.nir.reading.reader import read_network
from frontend.nir.reading.shapes import infer_shapes
from ir.errors import CompileError
from tests.frontend.nir.reading.nodes import SINK, conv1d, full, neuron, scale, source

Write = Callable[..., Path]


def shapes(network: NirNetwork) -> dict[str, tuple[int, ...]]:
    return {name: node.output_shape for name, node in network.nodes.items()}


def test_shapes_from_behind(write_file: Write) -> None:
    conv = {
        "type": "Conv1d",
        "weight": full(4, 2, 3),
        "bias": full(4),
        "stride": 1,
        "padding": 0,
        "dilation": 2,
        "groups": 1,
    }
    nodes = {"in": source(), "c": conv, "n": neuron(), "f": neuron(4, 6), "out": SINK}
    network = read_network(write_file(nodes, [("in", "c"), ("c", "n"), ("n", "f"), ("f", "out")]))
    assert shapes(network) == {"in": (2, 10), "c": (4, 6), "n": (4, 6), "f": (4, 6), "out": (4, 6)}


def test_shapes_around_a_loop_of_scalars(write_file: Write) -> None:
    nodes = {"in": source(), "n": neuron(1), "m": neuron(), "out": {"type": "Output", "shape": [2, 3]}}
    network = read_network(write_file(nodes, [("in", "n"), ("n", "m"), ("m", "n"), ("m", "out")]))
    assert set(shapes(network).values()) == {(2, 3)}


@pytest.mark.parametrize("size", [(), (1,)])
def test_single_values_are_a_population_where_nothing_says_more(size: tuple[int, ...], write_file: Write) -> None:
    network = read_network(
        write_file(
            {"in": {"type": "Input", "shape": np.zeros(0)}, "n": neuron(*size), "out": SINK},
            [("in", "n"), ("n", "out")],
        )
    )
    assert set(shapes(network).values()) == {size}


def graph(nodes: Mapping[str, Mapping[str, Any]], *edges: tuple[str, str]) -> FlatGraph:
    raw = {
        name: RawNode(str(item["type"]), {key: value for key, value in item.items() if key != "type"})
        for name, item in nodes.items()
    }
    return flatten(RawGraph(raw, edges))


def test_forwards_from_what_is_known() -> None:
    flat = graph(
        {"x": source(2, 10), "c": conv1d(4, 2, stride=2), "n": neuron(), "y": SINK}, ("x", "c"), ("c", "n"), ("n", "y")
    )
    inputs, outputs = infer_shapes(flat)
    assert inputs == {"x": (2, 10), "c": (2, 10), "n": (4, 4), "y": (4, 4)}
    assert outputs == {"x": (2, 10), "c": (4, 4), "n": (4, 4), "y": (4, 4)}


def test_what_nothing_tells_is_missing() -> None:
    """A stride leaves out a remainder, so that the input of the convolution is not certain from behind."""
    flat = graph(
        {"x": source(), "c": conv1d(4, 2, stride=2), "n": neuron(4, 4), "y": SINK}, ("x", "c"), ("c", "n"), ("n", "y")
    )
    inputs, outputs = infer_shapes(flat)
    assert inputs.keys() == {"n", "y"}
    assert outputs.keys() == {"c", "n", "y"}


def test_of_single_values_the_one_with_axes_says_more() -> None:
    inputs, _ = infer_shapes(
        graph({"x": source(), "n": neuron(), "m": neuron(1), "y": SINK}, ("x", "n"), ("n", "m"), ("m", "y"))
    )
    assert set(inputs.values()) == {(1,)}


@pytest.mark.parametrize(
    ("nodes", "edges", "text", "hint"),
    [
        (
            {"a": scale(3), "b": scale(4)},
            [("a", "b")],
            r"edge ('a', 'b') joins different shapes: a (Scale) gives (3,), b",
            "without broadcasting",
        ),
        (
            {"a": source(1, 3), "b": scale(3)},
            [("a", "b")],
            "a (Input) gives (1, 3), b (Scale) takes (3,)",
            "no batch and no time axis",
        ),
        (
            {"a": scale(3, 10), "c": conv1d(4, 2)},
            [("a", "c")],
            "node c (Conv1d), fed by edge ('a', 'c'): takes 2 channels",
            "",
        ),
    ],
)
def test_contradictions_name_node_and_edge(nodes: Any, edges: Any, text: str, hint: str) -> None:
    with pytest.raises(CompileError) as caught:
        infer_shapes(graph(nodes, *edges))
    assert caught.value.rule == "nir.shape"
    assert text in caught.value.what
    assert hint in caught.value.hint
