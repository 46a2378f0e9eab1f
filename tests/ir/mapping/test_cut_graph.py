"""A network that is cut to its cores computes what it computes whole, and every share has its own neurons and rows."""

from __future__ import annotations

import numpy as np
import pytest

from ir.analysis.fan_in import populations
from ir.graph import Graph
from ir.interpreter import interpret
from ir.mapping.cut_graph import cut_graph
from ir.verify import verify
from tests.backends.lava.conftest import MOTIFS, build_network

Array = np.ndarray


def drawn_cores(graph: Graph, rng: np.random.Generator, cores: int) -> dict[str, Array]:
    """A core for every neuron, as no map would have it."""
    return {node.name: rng.integers(0, cores, node.op.neurons(node.type)) for node in populations(graph)}


@pytest.mark.parametrize("motif", MOTIFS, ids=lambda motif: motif.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_any_cut_of_any_network_computes_the_same(motif: object, seed: int):
    graph, inputs = build_network(seed, (motif, motif))
    cut = cut_graph(graph, drawn_cores(graph, np.random.default_rng(seed), 3))
    verify(cut.graph, "quantized")
    whole, values = dict[str, Array](), dict[str, Array]()
    outputs = interpret(graph, inputs, lambda node, value: whole.update({node.name: value}))
    found = interpret(cut.graph, inputs, lambda node, value: values.update({node.name: value}))
    for name, value in outputs.items():
        assert np.array_equal(found[name], value), name
    for name, shares in cut.shares.items():
        flat = whole[name].reshape(*whole[name].shape[:2], -1)
        for share in shares:
            assert np.array_equal(values[share.name].reshape(*flat.shape[:2], -1), flat[:, :, share.elements]), (
                share.name
            )
    assert sum(len(shares) > 1 for shares in cut.shares.values()) > 1


def test_shares_have_the_rows_of_their_neurons(chip_graph: Graph):
    cut = cut_graph(chip_graph, drawn_cores(chip_graph, np.random.default_rng(0), 2))
    for node in populations(chip_graph):
        shares = cut.shares[node.name]
        assert sorted(np.concatenate([share.elements for share in shares]).tolist()) == list(range(node.type.size))
        for share in shares:
            assert cut.graph.nodes[share.name].type.size == len(share.elements)
    if chip_graph.name == "dense":
        rows = [cut.graph.params[key].shape for node in cut.graph.nodes.values() for role, key in node.params]
        assert sorted(rows) == sorted(
            [(len(s.elements), 7) for s in cut.shares["a"]] + [(len(s.elements), 5) for s in cut.shares["b"]]
        )


def test_a_network_on_one_core_is_left_as_it_is(chip_graph: Graph):
    cut = cut_graph(chip_graph, drawn_cores(chip_graph, np.random.default_rng(0), 1))
    assert cut.graph is chip_graph
    assert all([share.name for share in shares] == [name] for name, shares in cut.shares.items())
