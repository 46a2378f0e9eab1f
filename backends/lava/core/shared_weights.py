"""
Projections of one population that share their weights: one product of the sum of their operands, W a + W b = W (a + b).

`ir.analysis.weight_groups` says which do. Here a group is merged where whole numbers let it and nobody else reads its parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np

from backends.lava.core.instructions import Compute, wiring_instruction
from ir.analysis.fan_in import populations
from ir.analysis.ranges import fits_float32
from ir.analysis.weight_groups import WeightGroup, weight_groups
from ir.graph import Array, Graph, Node


def shared_projections(graph: Graph, bounds: Mapping[str, int] | None) -> dict[str, tuple[str, ...]]:
    """The last of each group of projections -> the whole group; nothing for a network that rounds (no `bounds`)."""
    if bounds is None:
        return {}
    readers, outputs = graph.users(), set(graph.outputs.values())
    shared: dict[str, tuple[str, ...]] = {}
    for neuron in populations(graph):
        unshared = [name for name in neuron.inputs if len(readers[name]) == 1 and neuron.inputs.count(name) == 1]
        payload = [name for name in neuron.op.payload_operands(neuron.inputs) if name in unshared]
        for group in weight_groups(graph, [name for name in payload if name not in outputs]):
            if _merges(graph, group, bounds):
                ordered = tuple(name for name in graph.nodes if name in group.projections)
                shared[ordered[-1]] = ordered
    return shared


def shared_instruction(graph: Graph, node: Node, group: tuple[str, ...], bounds: Mapping[str, int]) -> Compute:
    """The callable of a group, from all of its operands; `node` is its last projection."""
    project = wiring_instruction(graph, node, {**bounds, node.name: sum(bounds[name] for name in group)})

    def run(*operands: Array) -> Array:
        return project(reduce(np.add, operands))

    return run


def _merges(graph: Graph, group: WeightGroup, bounds: Mapping[str, int]) -> bool:
    """Whether several projections, seen through no routing, have operands whose sum float32 holds."""
    if len(group.projections) == 1 or group.operand not in group.projections:
        return False
    sources = [graph.nodes[name].inputs[0] for name in group.projections]
    return fits_float32(sum(bounds[name] for name in sources))
