"""What a value is a weighted sum of: spikes of populations and inputs, as they are and of earlier steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ir.analysis.fan_in import fan_in_cone
from ir.errors import CompileError
from ir.graph import Graph
from ir.mapping.connection_matrices import connection_matrices
from ir.ops.over_time.delay import Past

Taps = Mapping[tuple[str, int], Any]
"""(population or input, how many steps ago) -> integer weights, scipy sparse (elements, elements of the source)."""
MOST_ELEMENTS = 1 << 25
"""Of one matrix: a layer holds all of its weights, zeros included."""


def taps_of(graph: Graph, value: str) -> Taps:
    """
    The taps of a value, seen through routing, delays and back edges.

    Raises:
        CompileError: matrices too large to be written down, and loops without a neuron.
    """
    sources = _sources(graph, value)
    for source in sources:
        elements = graph.nodes[source].type.size * graph.nodes[value].type.size
        if elements > MOST_ELEMENTS:
            what = f"%{value}: its weights from %{source} are a matrix of {elements:,} elements, more than {MOST_ELEMENTS:,}"
            raise CompileError("netx.size", what, hint="convolutions of images keep their kernels")
    return {
        (source, late): weights
        for source in sources
        for late, weights in connection_matrices(graph, value, source).items()
    }


def _sources(graph: Graph, value: str) -> tuple[str, ...]:
    cone = fan_in_cone(graph, (value,), back_edges=True)
    for node in cone.nodes:
        if isinstance(node.op, Past) and node in fan_in_cone(graph, (node.op.of,), back_edges=True).nodes:
            raise CompileError("netx.loop", f"%{node.name} repeats a current, without a neuron in the loop")
    return cone.sources
