"""
Moves batch norms before the maxima and sums that they read, up to the projections which take them.

A maximum commutes with positive factors and with constants; the signs of the gains stay behind. A sum takes the factors to all
of its operands, and mean and constant to the first:

    k max(x) + c   =  s max(|k| x + s c),  s the sign of k
    k (x + y) + c  =  (k x + c) + k y
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ir.graph import Array, Graph, Node
from ir.ops import Add, BatchNorm, MaxPool, Scale
from ir.rewrite import Rewriter


def advance_norms(graph: Graph, pass_name: str) -> Graph:
    """The same network without a batch norm that reads a maximum or a sum."""
    norms = [node for node in graph.nodes.values() if isinstance(node.op, BatchNorm)]
    above = {node.name: read for node in norms if _commutes(graph, node, read := graph.nodes[node.inputs[0]])}
    if not above:
        return graph
    readers, outputs = graph.users(), set(graph.outputs.values())
    passed = {
        read.name for read in above.values() if {reader.name for reader in readers[read.name]} <= above.keys()
    } - outputs

    def move(rewriter: Rewriter, node: Node) -> str | None:
        if node.name in above:
            read = above[node.name]
            return (_before_sum if isinstance(read.op, Add) else _before_maximum)(rewriter, node, read)
        return rewriter.inputs(node)[0] if node.name in passed else None

    return advance_norms(Rewriter(graph, pass_name).run(move), pass_name)


def read_by_advanced(graph: Graph, norm: Node) -> Iterator[Node]:
    """What a batch norm reads once it is before the maxima and sums that it is behind."""
    waiting = [graph.nodes[norm.inputs[0]]]
    while waiting:
        node = waiting.pop()
        if _commutes(graph, norm, node):
            waiting.extend(graph.nodes[name] for name in node.inputs)
        else:
            yield node


def _commutes(graph: Graph, norm: Node, node: Node) -> bool:
    assert isinstance(norm.op, BatchNorm)
    if norm.op.timed:
        return False
    if isinstance(node.op, Add):
        return all(arg.shape == node.type.shape for arg in graph.args(node))
    return isinstance(node.op, MaxPool) and norm.op.axis == 0


def _before_sum(rewriter: Rewriter, node: Node, sum_: Node) -> str:
    builder, arrays = rewriter.builder, dict(rewriter.graph.arrays(node))
    factors = {role: array for role, array in arrays.items() if role != "bias"}
    factors["mean"] = np.zeros_like(arrays["mean"])
    terms: list[str] = []
    for place, value in enumerate(rewriter.inputs(sum_)):
        own = {role: builder.param(f"{node.name}.{role}", array) for role, array in factors.items()}
        own = own if place else dict(node.params)
        provenance = node.provenance.after(rewriter.pass_name)
        terms.append(builder.add(node.op, value, name=node.name, params=own, provenance=provenance))
    return builder.add(sum_.op, *terms, name=sum_.name, provenance=sum_.provenance)


def _before_maximum(rewriter: Rewriter, node: Node, pool: Node) -> str:
    builder, provenance = rewriter.builder, node.provenance.after(rewriter.pass_name)
    arrays = dict(rewriter.graph.arrays(node))
    signs = _signs(arrays)
    if np.any(signs < 0):
        arrays["weight"] = np.abs(arrays["weight"])
        arrays |= {"bias": arrays["bias"] * signs} if "bias" in arrays else {}
    params = {role: builder.param(f"{node.name}.{role}", array) for role, array in arrays.items()}
    (above,) = rewriter.inputs(pool)
    norm = builder.add(node.op, above, name=node.name, params=params, provenance=provenance)
    moved = builder.add(pool.op, norm, name=pool.name, provenance=pool.provenance)
    if not np.any(signs < 0):
        return moved
    weight = builder.param(f"{node.name}.signs", signs.reshape(-1, *(1,) * (len(pool.type.shape) - 1)))
    return builder.add(Scale(), moved, name=f"{node.name}_signs", params={"weight": weight}, provenance=provenance)


def _signs(norm: dict[str, Array]) -> Array:
    gains = norm.get("weight", np.ones_like(norm["mean"]))
    return np.where(gains < 0, -1, 1).astype(gains.dtype)
