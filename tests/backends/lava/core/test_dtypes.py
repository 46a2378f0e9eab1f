"""The dtypes of a run: whole numbers in floats that hold them, the source's own dtype where a network is real."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.core.dtypes import emission_dtype, port_dtype
from ir.graph import Graph, GraphBuilder
from ir.ops import Graded, Input, Lif, Synapse
from ir.ops.integer_neuron import IntegerLif


def network(dtype: str, bits: int) -> Graph:
    """A spiking population and a payload of some bits, integer ones for "integer"."""
    b = GraphBuilder("net", 1, dtype="float32" if dtype == "integer" else dtype)
    current = b.add(Synapse(1), b.add(Input("spike[2]"), name="x"), name="s")
    op = IntegerLif(4095, 0, 1, 6, 12, 24) if dtype == "integer" else Lif(0.5)
    return b.build({"y": b.add(op, current, name="y"), "g": b.add(Graded(bits), current, name="g")})


@pytest.mark.parametrize(("bits", "payload"), [(8, np.float32), (25, np.float32), (26, np.float64)])
def test_integers(bits: int, payload: type):
    graph = network("integer", bits)
    assert port_dtype(graph) is np.int32
    assert [emission_dtype(graph, graph.nodes[name]) for name in "xyg"] == [np.float32, np.float32, payload]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_sources_own_arithmetic(dtype: type):
    graph = network(np.dtype(dtype).name, 26)
    assert port_dtype(graph) is dtype
    assert {emission_dtype(graph, node) for node in graph.nodes.values()} == {dtype}
