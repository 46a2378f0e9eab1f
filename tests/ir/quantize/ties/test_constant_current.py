"""The neuron that always fires, and its synapses: a constant of any shape arrives whole, at every step."""

from __future__ import annotations

import numpy as np
import pytest

import hw_profiles
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.lowerings.rewriter import Rewriter
from ir.ops import Input, IntegerLif, Synapse
from ir.quantize.ties.constant_current import constant_current, synapses_of

ARITHMETIC = hw_profiles.load("loihi1").arithmetic


@pytest.mark.parametrize("largest", [1, 127, 128, 381, 8190])
def test_rows_sum_to_the_constant_within_eight_bits(largest: int):
    constant = np.array([largest, -largest, 0, largest // 2, -1])
    weights = synapses_of(constant, ARITHMETIC)
    assert weights.dtype == np.int8
    assert weights.shape == (5, -(-largest // 127))
    assert weights.sum(axis=1).tolist() == constant.tolist()


def network(shape: tuple[int, ...], name: str = "s") -> Graph:
    """A population that reads an input of its shape; its name may be the one that the new neuron wants."""
    b = GraphBuilder("net", 4)
    x = b.add(Input(f"spike[{'x'.join(map(str, shape))}]"), name="x")
    current = b.add(Synapse(1), x, name="c")
    b.add(IntegerLif(4095, 0, 1 << 14, 6, 12, 24), current, name=name)
    return b.build({"out": name})


def with_constants(graph: Graph, constant: np.ndarray, name: str = "s") -> Graph:
    def rule(rewriter: Rewriter, node):
        if node.name != name:
            return None
        operands = (*rewriter.inputs(node), constant_current(rewriter, node, constant, ARITHMETIC))
        return rewriter.builder.add(node.op, *operands, name=node.name)

    return Rewriter(graph, "test").run(rule)


@pytest.mark.parametrize(
    ("shape", "varies"), [((3, 4, 5), (3, 1, 1)), ((3, 4, 5), (5,)), ((3, 4, 5), (3, 1, 5)), ((6,), (6,)), ((2, 3), ())]
)
def test_a_constant_of_any_shape_is_there_at_every_step(shape: tuple[int, ...], varies: tuple[int, ...]):
    constant = np.random.default_rng(0).integers(-300, 300, varies)
    graph, currents = with_constants(network(shape), constant), {}
    interpret(graph, {"x": np.zeros((4, 2, *shape), np.int64)}, lambda node, value: currents.update({node.name: value}))
    expected = np.broadcast_to(constant, (4, 2, *shape))
    assert np.array_equal(np.broadcast_to(currents["s_current"], expected.shape), expected)
    assert currents["constant"].shape == (4, 2, 1)
    assert currents["constant"].all()


def test_a_network_with_a_population_of_that_name_keeps_it():
    graph = with_constants(network((3,), "constant"), np.array([1, 200, -1]), "constant")
    assert graph.nodes["constant"].type.shape == (3,)
    assert graph.nodes["constant_2"].type.shape == (1,)
    assert graph.outputs == {"out": "constant"}


def test_the_neuron_is_made_once_and_fires_whatever_arrives():
    b = GraphBuilder("net", 4)
    x = b.add(Input("graded<8>[3]"), name="x")
    for name in ("a", "b"):
        b.add(IntegerLif(4095, 0, 1 << 14, 6, 12, 24), b.add(Synapse(1), x, name=f"c{name}"), name=name)
    graph = b.build({"a": "a", "b": "b"})

    def rule(rewriter: Rewriter, node):
        if not isinstance(node.op, IntegerLif):
            return None
        operands = (*rewriter.inputs(node), constant_current(rewriter, node, np.array([5, 6, 7]), ARITHMETIC))
        return rewriter.builder.add(node.op, *operands, name=node.name)

    graph, seen = Rewriter(graph, "test").run(rule), {}
    payloads = np.random.default_rng(0).integers(-127, 128, (4, 2, 3))
    interpret(graph, {"x": payloads}, lambda node, value: seen.update({node.name: value}))
    assert [name for name in graph.nodes if name.startswith("constant")] == [
        "constant_inputs",
        "constant_input",
        "constant_silent",
        "constant",
    ]
    assert seen["constant"].all()
