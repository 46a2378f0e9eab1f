"""
How many synapses leave an element: an event of a projection is an active element of its operand at one synapse.

Synapses are counted as stored: a zero weight has one, padding has none, and a projection in micro-steps uses its synapses at
every one of them. A projection into several populations has its synapses once in each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ir.analysis.fan_in import EMITTERS, projections
from ir.analysis.wiring import populations_fed
from ir.graph import Array, Graph, Node
from ir.ops.linear import Conv
from ir.ops.shape import Expand, Permute, Reshape


@dataclass(frozen=True)
class UniformFanOut:
    """Every element of a population or input has equally many synapses in a projection, so that its spikes tell its events."""

    source: str
    synapses: int


def uniform_fan_outs(graph: Graph) -> dict[str, UniformFanOut]:
    """Projection -> its fan-out, where that is uniform: between it and one source, wires are only renamed or copied."""
    uniform, fed = dict[str, UniformFanOut](), populations_fed(graph)
    for node in projections(graph):
        source, synapses = graph.nodes[node.inputs[0]], fan_out(graph, node)
        while isinstance(source.op, (Reshape, Permute, Expand)):
            source = graph.nodes[source.inputs[0]]
        if source.op.family in EMITTERS and synapses.size == 1:
            copies = graph.args(node)[0].size // source.type.size
            uniform[node.name] = UniformFanOut(source.name, copies * fed[node.name] * int(synapses.item()))
    return uniform


def fan_out(graph: Graph, node: Node) -> Array:
    """Synapses per element of the operand of a projection into each population that it feeds, broadcastable to its shape."""
    operand = graph.args(node)[0]
    shapes = {role: array.shape for role, array in graph.arrays(node).items()}
    if isinstance(node.op, Conv):
        return convolution_fan_out(node.op, shapes["weight"], operand.shape[1:])
    micro = getattr(node.op, "micro", 0) or 1
    return np.asarray(node.op.synapses(graph.args(node), shapes) * micro // operand.size)


def convolution_fan_out(op: Conv, weight: tuple[int, ...], sizes: tuple[int, ...]) -> Array:
    """
    Synapses of an element at every position of an image, of shape `sizes`, in whichever channel.

    Args:
        weight: shape of the kernels, (outputs, inputs / groups, *taps).
    """
    synapses = np.asarray(weight[0] // op.groups)
    for axis, (size, taps) in enumerate(zip(sizes, weight[2:], strict=True)):
        read = op.reads(axis, size, taps)
        along = np.bincount(read[read >= 0], minlength=size)
        synapses = np.multiply.outer(synapses, along)
    return synapses
