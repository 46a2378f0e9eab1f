"""
The network as its map cuts it: every core's share of a population becomes a population of its own.

    %s = integer_lif(%c) : spike[6]      %c.0 = linear(%x, weight=W[0:4]),  %s.0 = integer_lif(%c.0) : spike[4]
                                         %c.1 = linear(%x, weight=W[4:6]),  %s.1 = integer_lif(%c.1) : spike[2]
                                         %s = concat(%s.0, %s.1), its elements in their order

A share holds those rows of matrices and kernels that its neurons read, and what is left is routing: a proof that the map splits
the network, rather than draws it, is that both compute the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ir.graph import Array, Graph, Node
from ir.lowerings.rewriter import Rewriter
from ir.ops.linear import Conv, Linear
from ir.ops.shape import Concat, Gather, Reshape

PASS = "map"


@dataclass(frozen=True, eq=False)
class Share:
    """The neurons of a population that are on one core."""

    name: str
    """Of the population that they are in the cut graph."""
    core: int
    elements: Array
    """int64, their places in the value of the whole population, flat; all micro-steps of a neuron are on its core."""


@dataclass(frozen=True, eq=False)
class CutGraph:
    """A network that is cut."""

    graph: Graph
    shares: Mapping[str, tuple[Share, ...]]
    """Population of the whole network -> its shares, core by core."""


def cut_graph(graph: Graph, core_of: Mapping[str, Array]) -> CutGraph:
    """A synaptic or quantized graph, cut by the core of every neuron; loops must not go over several cores."""
    shares = {name: _shares(graph.nodes[name], on) for name, on in core_of.items()}

    def rule(rewriter: Rewriter, node: Node) -> str | None:
        own = shares.get(node.name, ())
        return _joined(rewriter, node, own) if len(own) > 1 else None

    return CutGraph(Rewriter(graph, PASS).run(rule), shares)


def _shares(node: Node, on: Array) -> tuple[Share, ...]:
    cores = np.unique(on).tolist()
    if len(cores) == 1:
        return (Share(node.name, cores[0], np.arange(node.type.size)),)
    steps = np.arange(node.type.size // len(on))[:, None] * len(on)
    return tuple(
        Share(f"{node.name}.{k}", core, (steps + np.flatnonzero(on == core)).ravel()) for k, core in enumerate(cores)
    )


def _joined(rewriter: Rewriter, node: Node, shares: tuple[Share, ...]) -> str:
    """The value of a population that is cut."""
    builder, micro = rewriter.builder, node.type.size // node.op.neurons(node.type)
    provenance, operand = node.provenance.after(PASS), rewriter.graph.args(node)[0]
    flat = list[str]()
    for share in shares:
        neurons = len(share.elements) // micro
        own = share.elements if operand.size == node.type.size else share.elements[:neurons]
        shape = (micro, neurons) if operand.size == node.type.size and micro > 1 else (neurons,)
        inputs = [_read(rewriter, value, own, shape, share.name) for value in node.inputs]
        params = {
            role: builder.param(
                f"{key}.{share.name}", _of_elements(rewriter.graph.params[key], operand.shape, own, shape)
            )
            for role, key in node.params
        }
        value = builder.add(node.op, *inputs, name=share.name, params=params, provenance=provenance)
        flat.append(builder.add(Reshape((len(share.elements),)), value, name=f"{share.name}.flat"))
    order = np.argsort(np.concatenate([share.elements for share in shares]))
    together = builder.add(Concat(0), *flat, name=f"{node.name}.shares")
    sorted_ = builder.add(Gather(0, tuple(order.tolist())), together, name=f"{node.name}.elements")
    return builder.add(Reshape(node.type.shape), sorted_, name=node.name)


def _of_elements(array: Array, shape: tuple[int, ...], elements: Array, to: tuple[int, ...]) -> Array:
    """The constants of some elements, of constants that stand for a whole shape."""
    return np.broadcast_to(array, shape).reshape(-1)[elements].reshape(to)


def _read(rewriter: Rewriter, value: str, elements: Array, shape: tuple[int, ...], name: str) -> str:
    """Some elements of a current; of a projection, just their rows are computed."""
    value, elements = _narrowed(rewriter, value, elements, name)
    builder = rewriter.builder
    flat = builder.add(Reshape((builder.type(value).size,)), value, name=f"{value}.flat")
    own = builder.add(Gather(0, tuple(elements.tolist())), flat, name=f"{value}.{name}")
    return builder.add(Reshape(shape), own, name=f"{own}.shaped")


def _narrowed(rewriter: Rewriter, value: str, elements: Array, name: str) -> tuple[str, Array]:
    """A projection with the rows of some elements of its result alone, and where they are in that; others as they are."""
    node = rewriter.graph.nodes[value]
    last = isinstance(node.op, Linear)
    if not last and not (isinstance(node.op, Conv) and node.op.groups == 1):
        return rewriter.values[value], elements
    axis = len(node.type.shape) - 1 if last else 0
    places = list(np.unravel_index(elements, node.type.shape))
    rows, places[axis] = np.unique(places[axis], return_inverse=True)
    shape = list(node.type.shape)
    shape[axis] = len(rows)
    params = {
        role: rewriter.builder.param(f"{key}.{name}", rewriter.graph.params[key][rows]) for role, key in node.params
    }
    narrow = rewriter.builder.add(
        node.op, *rewriter.inputs(node), name=f"{value}.{name}", params=params, provenance=node.provenance.after(PASS)
    )
    return narrow, np.ravel_multi_index(places, shape)
