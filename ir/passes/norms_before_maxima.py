"""
Moves batch norms from behind maxima to before them, where a projection can take them.

    k max(x) + c  =  s max(|k| x + s c),  s the sign of k: a maximum commutes with positive factors and with constants

    %m = max_pool(%x)                        %n = batch_norm(%x)          with the magnitudes of the gains
    %n = batch_norm(%m)             ->       %m = max_pool(%n)
                                             %s = scale(%m, weight=s)     where a gain is negative
"""

from __future__ import annotations

import numpy as np

from ir.graph import Array, Graph, Node
from ir.ops import BatchNorm, MaxPool, Scale
from ir.rewrite import Rewriter

PASS = "fold_batchnorm"


def norms_before_maxima(graph: Graph) -> Graph:
    """The same network without a batch norm that reads a maximum."""
    norms = [node for node in graph.nodes.values() if isinstance(node.op, BatchNorm)]
    pools = {node.name: pool for node in norms if _commutes(node, pool := graph.nodes[node.inputs[0]])}
    if not pools:
        return graph
    readers, outputs = graph.users(), set(graph.outputs.values())
    passed = {
        pool.name for pool in pools.values() if {reader.name for reader in readers[pool.name]} <= pools.keys()
    } - outputs

    def move(rewriter: Rewriter, node: Node) -> str | None:
        if node.name in pools:
            return _moved(rewriter, node, pools[node.name])
        return rewriter.inputs(node)[0] if node.name in passed else None

    return norms_before_maxima(Rewriter(graph, PASS).run(move))


def above_maxima(graph: Graph, norm: Node) -> Node:
    """What a batch norm reads once it has moved."""
    node = graph.nodes[norm.inputs[0]]
    while _commutes(norm, node):
        node = graph.nodes[node.inputs[0]]
    return node


def _commutes(norm: Node, node: Node) -> bool:
    return isinstance(norm.op, BatchNorm) and isinstance(node.op, MaxPool) and norm.op.axis == 0 and not norm.op.timed


def _moved(rewriter: Rewriter, node: Node, pool: Node) -> str:
    builder, provenance = rewriter.builder, node.provenance.after(PASS)
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
