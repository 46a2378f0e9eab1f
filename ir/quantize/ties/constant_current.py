"""
The neuron that fires at every step, and its synapses: a current that is always there, for biases whose mantissa is too short.

    %constant = integer_lif(%silent, bias=...) : spike[1]            one neuron for the whole network
    %ones = expand(%constant) {shape=(3, 2)} : spike[3x2]            its axon, to every neuron, as often as 8 bits need
    %fc_constant = linear(%ones, weight=@fc.constant:int8[8x2]#...)  : current[3x8]
"""

from __future__ import annotations

import numpy as np

from ir.graph import Array, Node, Provenance, free_name
from ir.lowerings.rewriter import Rewriter
from ir.ops.base import Op
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Linear, Synapse
from ir.ops.shape import Expand, Permute, Reshape, Slice
from ir.profile import Arithmetic
from ir.quantize.weights import weight_levels

PASS = "keep_ties"
"""The mark of what is added here."""
NAME = "constant"


def constant_current(rewriter: Rewriter, node: Node, constant: Array, arithmetic: Arithmetic) -> str:
    """
    The current that brings `constant`, weight units of a shape that broadcasts to the population `node`, at every step.

    A new value of the population's shape; neurons that share their constant share the weights.
    """
    builder, shape = rewriter.builder, node.type.shape
    constant = constant.reshape((1,) * (len(shape) - constant.ndim) + constant.shape)
    order = sorted(range(len(shape)), key=lambda axis: constant.shape[axis] > 1)  # those that share a constant in front
    shared = [axis for axis in order if constant.shape[axis] == 1]
    weights = synapses_of(constant.reshape(-1), arithmetic)
    params = {"weight": builder.param(f"{node.name}.{NAME}", weights)}

    def add(op: Op, value: str, part: str, params: dict[str, str] | None = None) -> str:
        name = free_name(f"{node.name}_{part}", rewriter.graph.nodes)
        return builder.add(op, value, name=name, params=params, provenance=node.provenance.after(PASS))

    ones = add(Reshape((1,) * (len(shared) + 1)), _source(rewriter, arithmetic), "one")
    ones = add(Expand((*(shape[axis] for axis in shared), weights.shape[1])), ones, "ones")
    rows = add(Reshape(tuple(shape[axis] for axis in order)), add(Linear(), ones, NAME, params), "rows")
    return add(Permute(tuple(order.index(axis) for axis in range(len(shape)))), rows, "current")


def synapses_of(constant: Array, arithmetic: Arithmetic) -> Array:
    """
    Weights of as many synapses per neuron as the largest constant needs.

    Args:
        constant: whole weight units, (neurons,).

    Returns:
        (neurons, synapses) integers of the chip's width; a row sums to its constant.
    """
    levels = weight_levels(arithmetic)
    count = max(1, -(-int(np.abs(constant).max(initial=0)) // levels))
    parts = [np.clip(np.abs(constant) - place * levels, 0, levels) for place in range(count)]
    width = np.int8 if arithmetic.weight_bits <= 8 else np.int32
    return (np.stack(parts, axis=1) * np.sign(constant)[:, None]).astype(width)


def _source(rewriter: Rewriter, arithmetic: Arithmetic) -> str:
    """The neuron that fires at every step of the window, made once; what it reads never reaches it."""
    builder, name = rewriter.builder, free_name(NAME, rewriter.graph.nodes)
    if builder.has(name):
        return name

    def add(op: Op, value: str, part: str, params: dict[str, str] | None = None) -> str:
        return builder.add(op, value, name=part, params=params, provenance=Provenance(passes=(PASS,)))

    first = rewriter.values[rewriter.graph.inputs[0].name]
    one = add(Slice(0, 0, 1), add(Reshape((builder.type(first).size,)), first, f"{name}_inputs"), f"{name}_input")
    full, shift = (1 << arithmetic.decay_bits) - 1, arithmetic.activation_shift
    op = IntegerLif(full, full, 1, shift, arithmetic.decay_bits, arithmetic.state_bits)
    bias = builder.param(f"{name}.bias", np.full((1,), 2 << shift, np.int32))
    return add(op, add(Synapse(0), one, f"{name}_silent"), name, {"bias": bias})
