"""What a value is a weighted sum of: spikes of populations and inputs, as they are and of earlier steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backends.netx.connections import connection_matrix, leaves
from ir.errors import CompileError
from ir.graph import Graph
from ir.ops.over_time.delay import Delay, Past

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
    return _taps(graph, value, ())


def _taps(graph: Graph, value: str, rings: tuple[str, ...]) -> dict[tuple[str, int], Any]:
    """Those of a value behind some back edges."""
    table: dict[tuple[str, int], Any] = {}
    for leaf in leaves(graph, value):
        elements = graph.nodes[leaf].type.size * graph.nodes[value].type.size
        if elements > MOST_ELEMENTS:
            what = (
                f"%{value}: its weights from %{leaf} are a matrix of {elements:,} elements, more than {MOST_ELEMENTS:,}"
            )
            raise CompileError("netx.size", what, hint="convolutions of images keep their kernels")
        matrix = connection_matrix(graph, value, leaf)
        for key, weights in _behind(graph, leaf, matrix, rings).items():
            table[key] = table[key] + weights if key in table else weights
    return {key: weights for key, weights in table.items() if weights.count_nonzero()}


def _behind(graph: Graph, leaf: str, matrix: Any, rings: tuple[str, ...]) -> dict[tuple[str, int], Any]:
    """The taps behind a leaf that is read through `matrix`."""
    node = graph.nodes[leaf]
    if isinstance(node.op, Past):
        if leaf in rings:
            raise CompileError("netx.loop", f"%{leaf} repeats a current, without a neuron in the loop")
        inner = _taps(graph, node.op.of, (*rings, leaf))
        return {(source, late + node.op.steps): matrix @ part for (source, late), part in inner.items()}
    if not isinstance(node.op, Delay):
        return {(leaf, 0): matrix}
    steps = np.broadcast_to(graph.arrays(node).get("steps", np.array(node.op.steps)), node.type.shape).reshape(-1)
    inner, table = _taps(graph, node.inputs[0], rings), dict[tuple[str, int], Any]()
    for wait in np.unique(steps).tolist():
        columns = matrix.multiply(steps == wait).tocsr()
        for (source, late), part in inner.items():
            key = (source, late + wait)
            table[key] = table[key] + columns @ part if key in table else columns @ part
    return table
