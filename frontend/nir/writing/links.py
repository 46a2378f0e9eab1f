"""
What lies between two populations of a lowered network, as weights: the wires of `plain_nir`.

Unit synapses and reshapes alone are one factor per wire. Everything else is a matrix, found by sending every unit vector of
the source through the operations themselves, so that no operation needs a second definition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ir.graph import Array, Graph, Node
from ir.ops import Add, Delay, Past, Synapse


@dataclass(frozen=True)
class Link:
    """One way from a population to a value."""

    source: str
    """The population."""
    value: str
    factor: float | None
    """The weight, where every element reaches the element of the same place; None where a matrix is needed."""
    widest: int
    """The most elements of any value behind the population on the way."""


def is_population(node: Node) -> bool:
    """Whether links start at a node: a neuron layer, an input, or a delay."""
    return node.op.family in ("neuron", "input") or isinstance(node.op, Delay | Past)


def links(graph: Graph, values: tuple[str, ...]) -> list[Link]:
    """All links from populations to the sum of some values."""
    return [link for value in values for term in _terms(graph, value) for link in _links_of(graph, term)]


def _terms(graph: Graph, value: str) -> Iterator[str]:
    """The summands of a value, where sums are all there is."""
    node = graph.nodes[value]
    if isinstance(node.op, Add) and {arg.shape for arg in graph.args(node)} == {node.type.shape}:
        for operand in node.inputs:
            yield from _terms(graph, operand)
    else:
        yield value


def _links_of(graph: Graph, value: str) -> list[Link]:
    """The links to one summand."""
    factor, source, name = 1.0, graph.nodes[value], value
    while source.op.kind in ("synapse", "reshape"):
        factor *= source.op.weight if isinstance(source.op, Synapse) else 1.0
        name = source.inputs[0]
        source = graph.nodes[name]
    if is_population(source):
        return [Link(name, value, factor, 0)]
    return [Link(name, value, None, size) for name, size in _reached(graph, value).items()]


def _reached(graph: Graph, value: str) -> dict[str, int]:
    """The populations that reach a value, and the most elements that any value behind them on the way has."""
    node = graph.nodes[value]
    if is_population(node):
        return {value: 0}
    reached: dict[str, int] = {}
    for operand in node.inputs:
        for source, size in _reached(graph, operand).items():
            reached[source] = max(reached.get(source, 0), size, node.type.size)
    return reached


def weights_by_source(graph: Graph, values: tuple[str, ...]) -> dict[str, Array | float]:
    """Population -> the weights by which it reaches the sum of some values: a matrix (targets x sources) or one factor."""
    table: dict[str, Array | float] = {}
    for link in links(graph, values):
        weight = link.factor if link.factor is not None else _matrix(graph, link.value, link.source)
        table[link.source] = _sum(table[link.source], weight) if link.source in table else weight
    return table


def _sum(a: Array | float, b: Array | float) -> Array | float:
    """The weights of two ways from the same population."""
    if isinstance(a, float) and isinstance(b, float):
        return a + b
    matrix, other = (a, b) if isinstance(a, np.ndarray) else (b, a)
    assert isinstance(matrix, np.ndarray)
    return matrix + (other * np.eye(len(matrix), dtype=matrix.dtype) if isinstance(other, float) else other)


def _matrix(graph: Graph, value: str, source: str) -> Array:
    """The linear map from `source` to `value`."""
    size = graph.nodes[source].type.size
    unit_vectors = np.eye(size, dtype=graph.dtype).reshape(1, size, *graph.nodes[source].type.shape)

    def run(name: str) -> Array:
        node = graph.nodes[name]
        if is_population(node):
            return unit_vectors if name == source else np.zeros((1, size, *node.type.shape), graph.dtype)
        weights = {role: array for role, array in graph.arrays(node).items() if role != "bias"}
        return node.op.run(tuple(map(run, node.inputs)), weights, 1)

    return np.ascontiguousarray(run(value).reshape(size, -1).T, dtype=graph.dtype)


def offset(graph: Graph, values: tuple[str, ...]) -> Array | None:
    """What the sum of some values is where no population sends anything; None where nothing on the way has a bias."""
    biased = False

    def run(name: str) -> Array:
        nonlocal biased
        node = graph.nodes[name]
        if is_population(node):
            return np.zeros((1, 1, *node.type.shape), graph.dtype)
        arrays = graph.arrays(node)
        biased |= "bias" in arrays
        return node.op.run(tuple(map(run, node.inputs)), arrays, 1)

    total = sum(run(value).reshape(-1) for value in values)
    return np.asarray(total, graph.dtype) if biased else None
