"""Counted events of a run, from how often every element of every population was active inside the samples' windows."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from backends.trace import Events
from ir.analysis.fan_in import FanInCone, fan_in_cone, populations
from ir.graph import Array, Graph, Node
from ir.loops import run_loop
from ir.ops.linear import Conv
from ir.ops.shape import Expand, Permute, Reshape


def count_events(graph: Graph, activity: Mapping[str, Array], samples: int, steps: int) -> Events:
    """
    The events of a run.

    Args:
        activity: input or population -> active steps per element, summed over all samples, (1, size); by the step of the
            window, (T, size), for those in `delayed_sources`; of all elements together, (1, 1), for those `counted_as_one`.
    """
    spikes = {name: int(active.sum()) for name, active in activity.items()}
    as_one = counted_as_one(graph)
    synaptic = {node.name: _synaptic(graph, node, activity, as_one) for node in _projections(graph)}
    updates = {node.name: node.type.size * steps * samples for node in populations(graph)}
    return Events(samples, steps, spikes, synaptic, updates)


def delayed_sources(graph: Graph) -> frozenset[str]:
    """Inputs and populations that a projection reads late: what is late beyond the window arrives nowhere."""
    cones = [fan_in_cone(graph, node.inputs, back_edges=True) for node in _projections(graph)]
    return frozenset(name for cone in cones if cone.remembers for name in cone.sources)


def counted_as_one(graph: Graph) -> frozenset[str]:
    """Populations whose elements all have equally many synapses in every projection, so that their number of events says all."""
    found = {node.name for node in populations(graph)}
    for node in _projections(graph):
        cone = fan_in_cone(graph, node.inputs, back_edges=True)
        alike = all(isinstance(wire.op, (Reshape, Permute, Expand)) for wire in cone.nodes)
        if not alike or len(cone.sources) != 1 or fan_out(graph, node).size != 1:
            found -= set(cone.sources)
    return frozenset(found)


def _projections(graph: Graph) -> tuple[Node, ...]:
    return tuple(node for node in graph.nodes.values() if node.op.family == "projection")


def _synaptic(graph: Graph, node: Node, activity: Mapping[str, Array], as_one: Collection[str]) -> int:
    """Active elements of the projection's operand, each times its fan-out."""
    cone = fan_in_cone(graph, node.inputs, back_edges=True)
    if len(cone.sources) == 1 and cone.sources[0] in as_one:
        (source,) = cone.sources
        copies = graph.args(node)[0].size // graph.nodes[source].type.size
        return int(activity[source].sum()) * copies * int(fan_out(graph, node).item())
    values = {name: _leaf(graph, name, activity[name], cone) for name in cone.sources}
    if not values:
        return 0
    steps, like = len(next(iter(values.values()))), next(iter(values.values()))
    if cone.remembers:
        values |= run_loop(cone.nodes, values, graph.params, steps, like)
    else:
        for wire in cone.nodes:
            values[wire.name] = wire.op.run(tuple(values[name] for name in wire.inputs), {}, steps)
    return int((values[node.inputs[0]].sum(axis=0)[0] * fan_out(graph, node)).sum())


def _leaf(graph: Graph, name: str, active: Array, cone: FanInCone) -> Array:
    """The activity of a source as a value, (T, 1, *shape), or (1, 1, *shape) where nothing is late."""
    active = active if cone.remembers else active.sum(axis=0, keepdims=True)
    return active.reshape(-1, 1, *graph.nodes[name].type.shape)


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
