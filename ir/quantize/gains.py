"""
Gives every neuron a weight of its own where one synapse weight serves a population of different input gains.

    %c = synapse(%x) {weight=1.0} : current[4]     %c_1 = reshape(%x) : spike[4x1x1]
    %s = leaky(%c, gain=@g)                        %c_2 = conv(%c_1, weight=@c.each) {groups=4} : current[4x1x1]
                                                   %c = reshape(%c_2) : current[4]
A grouped 1 x 1 convolution has as many synapses as the one-to-one connection that it replaces.
"""

from __future__ import annotations

import numpy as np

from ir.graph import Graph, Node
from ir.ops.linear import Conv, Synapse
from ir.ops.shape import Reshape
from ir.quantize.kinds import kinds_of
from ir.rewrite import Rewriter

PASS = "quantize"


def separate_gains(chip: Graph) -> Graph:
    """The same network, in which every population whose input gains differ has weights that can take them."""
    wanted = {name for node in chip.nodes.values() if _gains_differ(chip, node) for name in node.inputs}
    return Rewriter(chip, PASS).run(lambda rewriter, node: _separate(rewriter, node) if node.name in wanted else None)


def _gains_differ(chip: Graph, node: Node) -> bool:
    kinds = kinds_of(chip, node) if set(dict(node.params)) - {"bias"} else None
    return kinds is not None and len({of.factor for of in kinds.members}) > 1


def _separate(rewriter: Rewriter, node: Node) -> str | None:
    if not isinstance(node.op, Synapse) or node.op.micro:
        return None
    builder, size, provenance = rewriter.builder, node.type.size, node.provenance.after(PASS)
    weight = builder.param(f"{node.name}.each", np.full((size, 1, 1, 1), node.op.weight, np.float64))
    column = builder.add(
        Reshape((size, 1, 1)), *rewriter.inputs(node), name=f"{node.name}_column", provenance=provenance
    )
    op = Conv((1, 1), (0, 0), (1, 1), size)
    each = builder.add(op, column, name=f"{node.name}_each", params={"weight": weight}, provenance=provenance)
    return builder.add(Reshape(node.type.shape), each, name=node.name, provenance=provenance)
