"""
The range proof: how large every integer can become, from the weights and the payload widths alone.

float32 represents every integer up to 2^24 and float64 up to 2^53, and a sum whose bound lies below is exact in any order.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.ops.linear import Sum, Synapse
from ir.types import Type

EXACT_FLOAT32 = 1 << 24
EXACT_FLOAT64 = 1 << 53


def magnitude_bounds(graph: Graph) -> dict[str, int]:
    """The largest magnitude that every value of an integer graph can reach; CompileError where float64 would round."""
    bounds: dict[str, int] = {}
    for node in graph.nodes.values():
        bounds[node.name] = _bound(graph, node, bounds)
        if bounds[node.name] >= EXACT_FLOAT64:
            what = f"a sum of %{node.name} can reach {bounds[node.name]}, beyond exact arithmetic"
            raise CompileError("lava.range", what, f"%{node.name}  {node.where}", "use smaller weights or payloads")
    return bounds


def emission_bound(type_: Type) -> int:
    """The largest magnitude that a population or an input of this type emits."""
    domain = type_.domain
    return 1 << (domain.bound - 1) if domain.kind == "graded" else max(1, domain.bound)


def _bound(graph: Graph, node: Node, bounds: Mapping[str, int]) -> int:
    operands = [bounds[name] for name in node.inputs]
    if node.op.family in ("neuron", "input"):
        return emission_bound(node.type)
    if "weight" in dict(node.params):
        weight = np.abs(graph.arrays(node)["weight"].astype(np.int64))
        return int(weight.reshape(len(weight), -1).sum(axis=1).max(initial=0)) * operands[0]
    if isinstance(node.op, Synapse):
        return int(abs(node.op.weight)) * operands[0]
    if isinstance(node.op, Sum):
        shape = graph.args(node)[0].shape
        terms = int(np.prod([shape[axis] for axis in node.op.axes]))
        return terms * int(abs(node.op.weight)) * operands[0]
    return sum(operands) if node.op.kind == "add" else max(operands)
