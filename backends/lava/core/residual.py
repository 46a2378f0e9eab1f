"""
Projections of one population that share their weights, as a residual sum leaves them: one product of the sum of their operands.

W a + W b = W (a + b), which integers allow: nothing is rounded. Events are counted per projection all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np

from backends.lava.bounds import EXACT_FLOAT32
from backends.lava.core.instructions import Compute, wiring_instruction
from ir.analysis.fan_in import populations
from ir.graph import Array, Graph, Node
from ir.ops.linear import Conv, Linear
from ir.ops.neuron import Gate


def shared_projections(graph: Graph, bounds: Mapping[str, int] | None) -> dict[str, tuple[str, ...]]:
    """The last of each group of projections -> the whole group; nothing for a network that rounds (no `bounds`)."""
    if bounds is None:
        return {}
    readers, outputs = graph.users(), set(graph.outputs.values())
    found: dict[str, tuple[str, ...]] = {}
    for neuron in populations(graph):
        payload = neuron.inputs[: -neuron.op.enables] if isinstance(neuron.op, Gate) else neuron.inputs
        groups: dict[object, list[str]] = {}
        for name in payload:
            node = graph.nodes[name]
            alone = len(readers[name]) == 1 and neuron.inputs.count(name) == 1 and name not in outputs
            if alone and isinstance(node.op, (Linear, Conv)):
                groups.setdefault((node.op, node.params, graph.args(node)[0].shape), []).append(name)
        for group in groups.values():
            if len(group) > 1 and sum(bounds[graph.nodes[name].inputs[0]] for name in group) < EXACT_FLOAT32:
                ordered = tuple(name for name in graph.nodes if name in group)
                found[ordered[-1]] = ordered
    return found


def shared_instruction(graph: Graph, node: Node, group: tuple[str, ...], bounds: Mapping[str, int]) -> Compute:
    """The callable of a group, from all of its operands; `node` is its last projection."""
    project = wiring_instruction(graph, node, {**bounds, node.name: sum(bounds[name] for name in group)})

    def run(*operands: Array) -> Array:
        return project(reduce(np.add, operands))

    return run
