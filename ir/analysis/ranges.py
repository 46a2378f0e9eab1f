"""
How large every integer can become, proven from the weights and payload widths alone.

A bound is the sum of the magnitudes of all terms, so that every part of the sum, in whichever order, stays within it: up to
2^24 such a sum is exact in float32, up to 2^53 in float64, both included. A current that is bounded cannot wrap.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from ir.graph import Array, Graph, Node
from ir.ops.linear import Sum, Synapse
from ir.ops.neuron import Gate, Graded
from ir.ops.over_time.delay import Past
from ir.types import Type

EXACT_FLOAT32, EXACT_FLOAT64 = 1 << 24, 1 << 53
"""Up to here float32, or float64, holds every whole number; the next one is rounded."""
UNBOUNDED = EXACT_FLOAT64 + 1
"""The bound of a current that adds up in a ring without a neuron: no more is known than that float64 may round it."""


def magnitudes(graph: Graph) -> dict[str, int]:
    """
    Value -> the largest magnitude it can reach in an integer graph; for a current, summed over its terms' magnitudes.

    A back edge of spikes or payloads is bounded by its type, one of a current by the current it repeats: every round starts
    from proven bounds, so its results are proven, too, and no larger.
    """
    past: dict[str, int] = {}
    for node in graph.loops:
        past[node.name] = UNBOUNDED if node.type.domain.kind == "current" else emitted_magnitude(node.type)
    table = _table(graph, past)
    for _ in past:
        tighter = {name: min(bound, table[_repeated(graph, name)]) for name, bound in past.items()}
        if tighter == past:
            break
        past, table = tighter, _table(graph, tighter)
    return table


def fits_uint8(bound: int) -> bool:
    """Whether uint8 holds every number of spikes up to a bound."""
    return bound <= 255


def fits_float32(bound: int) -> bool:
    """Whether a number, or a sum of such magnitudes in any order, is exact in float32."""
    return bound <= EXACT_FLOAT32


def fits_float64(bound: int) -> bool:
    """Whether a number, or a sum of such magnitudes in any order, is exact in float64."""
    return bound <= EXACT_FLOAT64


def _table(graph: Graph, past: Mapping[str, int]) -> dict[str, int]:
    """The bounds that follow from those of the back edges."""
    table = dict(past)
    for node in graph.nodes.values():
        if node.name not in past:
            table[node.name] = _magnitude(graph, node, table)
    return {name: table[name] for name in graph.nodes}


def _repeated(graph: Graph, name: str) -> str:
    op = graph.nodes[name].op
    assert isinstance(op, Past)
    return op.of


def emitted_magnitude(kind: Type) -> int:
    """The largest magnitude that fits the domain of a population or input."""
    return 1 << (kind.domain.bound - 1) if kind.domain.kind == "graded" else max(1, kind.domain.bound)


def projected_magnitude(node: Node, arg: Type, weight: Array | None, source: int) -> int:
    """The largest sum of magnitudes that one target of a projection can receive from sources of magnitude `source`."""
    if weight is not None:
        rows = weight.reshape(len(weight), -1).astype(np.int16 if weight.itemsize == 1 else np.int64)
        return int(np.abs(rows).sum(axis=1, dtype=np.int64).max(initial=0)) * source
    op = node.op
    assert isinstance(op, (Synapse, Sum)), op
    terms = prod(arg.shape[axis] for axis in op.axes) if isinstance(op, Sum) else 1
    return terms * abs(int(op.weight)) * source


def _magnitude(graph: Graph, node: Node, table: Mapping[str, int]) -> int:
    operands = [table[name] for name in node.inputs]
    op = node.op
    if op.family == "projection":
        return projected_magnitude(node, graph.args(node)[0], graph.arrays(node).get("weight"), operands[0])
    if isinstance(op, (Graded, Gate)):
        bias = int(np.abs(graph.arrays(node).get("bias", np.zeros(1))).max(initial=0))
        total = sum(op.payload_operands(operands)) + bias
        return min(emitted_magnitude(node.type), -(-total >> op.shift))
    if op.family in ("neuron", "input"):
        return emitted_magnitude(node.type)
    return sum(operands) if op.kind == "add" else max(operands)
