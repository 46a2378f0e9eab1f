"""
Maximum pooling of spikes: an OR per window.

    max of x over a window, x in {0, 1}  =  [sum of x over the window >= 1]     1 neuron per output, 1 synapse per tap

Padding has no synapses: it is silent. The largest of several currents, or of sums of populations, is no threshold of a sum.
"""

from __future__ import annotations

import numpy as np

from ir.graph import Node, Provenance
from ir.lowerings.forms import Current, Form, Spikes, Wire
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.gate import is_binary
from ir.lowerings.rules.pairing import or_neuron
from ir.ops import Conv, MaxPool


def lower_max_pool(lowering: Lowering, node: Node, provenance: Provenance) -> Form:
    """One memoryless neuron per window, unit synapses from every tap."""
    op, (form,) = node.op, lowering.operands(node)
    assert isinstance(op, MaxPool)
    hint = "put the pooling right behind a neuron layer, so that it pools spikes, or use average pooling"
    if not is_binary(lowering, form):
        lowering.refuse(node, "lower.max_pool", "takes the maximum of analog values, which no synapse can", hint=hint)
    parts = lowering.spikes(node, form, "a maximum").parts
    if len(parts) != 1:
        lowering.refuse(
            node, "lower.max_pool", f"takes the maximum of sums of {len(parts)} spike populations", hint=hint
        )
    channels = node.type.shape[0]
    window = lowering.builder.param(f"{node.name}.window", np.ones((channels, 1, *op.kernel), np.float32))
    conv = Conv(op.stride, op.padding, op.dilation, channels)
    current = Current(node.type.shape, (Wire(parts[0], conv, f"{node.name}_in", provenance, window),))
    return Spikes((lowering.neuron(or_neuron(), current, node.name, provenance),))
