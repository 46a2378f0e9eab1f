"""Lava equals the torch reference in the source's own arithmetic too, where weights are no round numbers and sums do round."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.engine import LavaEngine
from backends.reference.engine import ReferenceEngine
from ir.analysis.fan_in import populations
from ir.graph import Graph


def with_uneven_numbers(graph):
    """The same network with every weight and bias a little off the grid."""
    params = {name: (array * np.float32(1.0371)).astype(np.float32) for name, array in graph.params.items()}
    return Graph(graph.name, graph.steps, graph.nodes, graph.outputs, params)


@pytest.mark.lava
@pytest.mark.parametrize("seed", range(8))
def test_real_networks_agree_with_the_reference(seed, network):
    graph, inputs = network(430 + seed, real=True)
    graph = with_uneven_numbers(graph)
    names = tuple(node.name for node in populations(graph))
    found, wanted = LavaEngine(graph).run(inputs, names), ReferenceEngine(graph, "cpu").run(inputs, names)
    for name in names:
        assert np.array_equal(found.spikes[name], wanted.spikes[name]), name
    for name in graph.outputs:
        assert np.array_equal(found.outputs[name], wanted.outputs[name]), name
    assert found.events.spikes == wanted.events.spikes
    assert sum(bool(found.spikes[name].any()) for name in names) > 1
