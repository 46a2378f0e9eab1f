"""
Neurons at the input, as lava-dl's Input block has them: z = w x + b, x in steps of 1/32 within 8 bits.

netx leaves it to the user to compute z and to set it as the neurons' bias, where it stays for the whole run.
"""

from __future__ import annotations

import numpy as np

from backends.netx.images import image_shape
from backends.netx.layer import Entries, NetxLayer
from backends.netx.neurons import neurons_of
from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Synapse
from ir.types import Type, graded

INPUT = (8, 1 / 32)
"""Bits and unit of the values that such neurons take; as a state counts in 1/64 weights, a number is worth twice itself."""


def encoder_of(graph: Graph) -> Node | None:
    """The population of neurons at the input; None where the chip takes spikes or payloads."""
    first = next((node for node in graph.nodes.values() if node.op.family == "neuron"), None)
    if first is None or len(first.inputs) != 1 or not isinstance(first.op, IntegerLif) or first.op.shift:
        return None
    wire = graph.nodes[first.inputs[0]]
    bits, unit = INPUT
    takes = Type(first.type.shape, graded(bits), unit)
    fits = isinstance(wire.op, Synapse) and graph.args(wire) == (takes,) and wire.op.weight % 2 == 0
    return first if fits else None


def encoder_entries(graph: Graph, node: Node) -> Entries:
    """
    The group of the input layer.

    Raises:
        CompileError: a bias that differs from neuron to neuron.
    """
    wire, neurons = graph.nodes[node.inputs[0]], neurons_of(graph, node, shift=0)
    if (neurons.bias != neurons.bias[0]).any():
        raise CompileError("netx.bias", f"%{node.name}: neurons at the input share their bias in netx")
    assert isinstance(wire.op, Synapse)
    shape = image_shape(node.type.shape) or (node.type.size,)
    same = NetxLayer("input", shape, {"weight": np.array(int(wire.op.weight) // 2)}, neurons, np.array(0))
    return {**same.entries(0), "bias": neurons.bias[0]} if neurons.bias.any() else same.entries(0)
