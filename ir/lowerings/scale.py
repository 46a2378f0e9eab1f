"""
Constant factors go into the weights of the synapses that make the current, constant terms into the bias of its neuron.

s (W x + b) = (s W) x + s b        0 neurons, 0 synapses
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ir.graph import Node, Where
from ir.lowerings.forms import Current, Form, Product, narrowest
from ir.lowerings.lowering import Lowering, joint_bias
from ir.lowerings.routing import fitted


def lower_scale(lowering: Lowering, node: Node, where: Where) -> Form:
    """The operand's current with the factor on every wire; spikes get unit synapses to carry it."""
    (form,) = lowering.operands(node)
    factor = _factor(node, lowering)
    if isinstance(form, Product):
        return replace(form, factor=form.factor * factor)
    return lowering.current(form, f"{node.name}_in", where).scaled(factor)


def _factor(node: Node, lowering: Lowering) -> float:
    """The one factor of all elements."""
    role = node.param("weight")
    if role is None:
        return float(node.op.attributes()["factor"])
    array = narrowest(lowering.graph.params[role])
    if array.size == 1:
        return float(array.item())
    hint = "multiply the weights of the layer before it instead"
    lowering.refuse(node, "lower.scale", "multiplies every element by a factor of its own", hint)


def lower_offset(lowering: Lowering, node: Node, where: Where) -> Form:
    """The operand's current with one more constant."""
    role = node.param("bias")
    current = fitted(lowering.current(lowering.operands(node)[0], f"{node.name}_in", where), node.type.shape)
    term = np.float32(node.op.attributes()["term"]) if role is None else lowering.graph.params[role]
    rank = len(node.type.shape)
    bias = np.asarray(term).reshape((1,) * (rank - np.ndim(term)) + np.shape(term))
    return Current(current.shape, current.wires, joint_bias([current.bias, bias]))
