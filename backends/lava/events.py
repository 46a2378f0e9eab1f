"""Counted events of a run, from how often every element of every population was active inside the samples' windows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from backends.lava.cone import cone_of, populations
from backends.trace import Events
from ir.graph import Array, Graph, Node
from ir.ops.linear import Conv


def count_events(graph: Graph, activity: Mapping[str, Array], samples: int, steps: int) -> Events:
    """`activity`: input or population -> active steps per element (size,), summed over all samples."""
    spikes = {name: int(active.sum()) for name, active in activity.items()}
    synaptic = {n.name: _synaptic(graph, n, activity) for n in graph.nodes.values() if n.op.family == "projection"}
    updates = {node.name: node.type.size * steps * samples for node in populations(graph)}
    return Events(samples, steps, spikes, synaptic, updates)


def _synaptic(graph: Graph, node: Node, activity: Mapping[str, Array]) -> int:
    """Active elements of the projection's operand, each times its fan-out."""
    operand = node.inputs[0]
    values = {
        name: activity[name].reshape(1, 1, *graph.nodes[name].type.shape)
        for name in cone_of(graph, node.inputs).sources
    }
    if operand in activity:
        values[operand] = activity[operand].reshape(1, 1, *graph.nodes[operand].type.shape)
    for wire in cone_of(graph, node.inputs).nodes:
        values[wire.name] = wire.op.run(tuple(values[name] for name in wire.inputs), {}, 1)
    return int((values[operand][0, 0] * fan_out(graph, node)).sum())


def fan_out(graph: Graph, node: Node) -> Array:
    """Synapses per element of the operand of a projection, broadcastable to the operand's shape."""
    params = {role: graph.params[key].shape for role, key in node.params}
    operand = graph.args(node)[0]
    if not isinstance(node.op, Conv):
        micro = getattr(node.op, "micro", 0) or 1
        return np.asarray(node.op.synapses(graph.args(node), params) * micro // operand.size)
    kernel, out = params["weight"][2:], node.type.shape[1:]
    count = np.asarray(params["weight"][0] // node.op.groups)
    for axis, size in enumerate(operand.shape[1:]):
        starts = node.op.stride[axis] * np.arange(out[axis])[:, None] - node.op.padding[axis]
        reached = (starts + node.op.dilation[axis] * np.arange(kernel[axis])).ravel()
        taps = np.bincount(reached[(reached >= 0) & (reached < size)], minlength=size)
        count = np.multiply.outer(count, taps)
    return count
