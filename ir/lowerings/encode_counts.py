"""
Counts from outside as spikes, for chips whose spikes carry no payload: the first step of `split_host`.

    %x = input() : count<2>[8]                        %x = input() : count<2>[8]
                                                      %x_levels = levels(%x) {levels=2} : spike[2x8]
                                                      %x_1 = ... slice and reshape : spike[8], for every level
    %fc = linear(%x, weight=@W) : current[8]    ->    %x_count = add(%x_1, %x_2) : count<2>[8]
                                                      %fc = linear(%x_count, weight=@W) : current[8]

The host makes the levels, the chip takes them as populations: whatever reads their sum gives each synapses of its own.
"""

from __future__ import annotations

from ir.graph import Graph, Node
from ir.lowerings.rewriter import Rewriter
from ir.ops import Add, Levels, Reshape, Slice
from ir.profile import Features

PASS = "split_host"


def encode_counts(graph: Graph, features: Features) -> Graph:
    """The same network, its inputs of counts as sums of spikes where the chip has no payloads; else the graph itself."""
    if features.graded_spikes:
        return graph
    return Rewriter(graph, PASS).run(_encode)


def _encode(rewriter: Rewriter, node: Node) -> str | None:
    if node.op.kind != "input" or node.type.domain.kind != "count":
        return None
    builder, shape, provenance = rewriter.builder, node.type.shape, node.provenance.after(PASS)
    value, levels = builder.copy(node, ()), node.type.domain.bound
    spikes = builder.add(Levels(levels), value, name=f"{node.name}_levels", provenance=provenance)
    parts: list[str] = []
    for level in range(levels):
        name = f"{node.name}_{level + 1}"
        part = builder.add(Slice(0, level, level + 1), spikes, name=f"{name}_slice", provenance=provenance)
        parts.append(builder.add(Reshape(shape), part, name=name, provenance=provenance))
    return builder.add(Add(), *parts, name=f"{node.name}_count", provenance=provenance)
