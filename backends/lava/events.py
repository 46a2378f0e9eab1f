"""Counted events of a run, from how often every element of every population was active inside the samples' windows."""

from __future__ import annotations

from collections.abc import Mapping

from backends.trace import Events
from ir.analysis.fan_in import FanInCone, fan_in_cone, populations, projections
from ir.analysis.fan_out import fan_out, uniform_fan_outs
from ir.analysis.wiring import populations_fed
from ir.graph import Array, Graph, Node
from ir.interpreter import run_loop


def count_events(graph: Graph, activity: Mapping[str, Array], samples: int, steps: int) -> Events:
    """
    The events of a run.

    Args:
        activity: input or population -> active steps per element, summed over all samples, (1, size); by the step of the
            window, (T, size), for those in `delayed_sources`; of all elements together, (1, 1), for those `counted_as_one`.
    """
    spikes = {name: int(active.sum()) for name, active in activity.items()}
    as_one, uniform, fed = counted_as_one(graph), uniform_fan_outs(graph), populations_fed(graph)
    synaptic: dict[str, int] = {}
    for node in projections(graph):
        known_by_spikes = node.name in uniform and uniform[node.name].source in as_one
        if known_by_spikes:
            synaptic[node.name] = spikes[uniform[node.name].source] * uniform[node.name].synapses
        else:
            synaptic[node.name] = _synaptic(graph, node, activity) * fed[node.name]
    updates = {node.name: node.type.size * steps * samples for node in populations(graph)}
    return Events(samples, steps, spikes, synaptic, updates)


def delayed_sources(graph: Graph) -> frozenset[str]:
    """Inputs and populations that a projection reads late: what is late beyond the window arrives nowhere."""
    cones = [fan_in_cone(graph, node.inputs, back_edges=True) for node in projections(graph)]
    return frozenset(name for cone in cones if cone.remembers for name in cone.sources)


def counted_as_one(graph: Graph) -> frozenset[str]:
    """Populations with uniform fan-outs only, whose number of events says all."""
    names, uniform = {node.name for node in populations(graph)}, uniform_fan_outs(graph)
    for node in projections(graph):
        if node.name not in uniform:
            names -= set(fan_in_cone(graph, node.inputs, back_edges=True).sources)
    return frozenset(names)


def _synaptic(graph: Graph, node: Node, activity: Mapping[str, Array]) -> int:
    """Active elements of the projection's operand, each times its fan-out into one population."""
    cone = fan_in_cone(graph, node.inputs, back_edges=True)
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
