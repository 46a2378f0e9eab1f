"""What shards spend and send, against unrolled synapses and the loads of a map in which every shard is a core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

import hw_profiles
from ir.graph import Graph
from ir.mapping.connections import connections_of
from ir.mapping.layout.build_shard_graph import events_of, shard_graph_of
from ir.mapping.layout.shards import cut
from ir.mapping.loads import LoadCounter

Unroll = Callable[[Graph], Mapping[str, Any]]


def rates_of(graph: Graph, seed: int = 0) -> dict[str, Any]:
    """Eighths, so that sums are exact; every value's neurons, inputs included."""
    random, found = np.random.default_rng(seed), {node.name: node.type.size for node in graph.inputs}
    found |= {node.name: node.op.neurons(node.type) for node in graph.nodes.values() if node.op.family == "neuron"}
    return {name: random.integers(0, 9, size) / 8 for name, size in found.items()}


def test_events_are_the_spikes_of_all_synapses(chip_graph: Graph, unroll: Unroll):
    rates = rates_of(chip_graph)
    expected = {
        name: [sum(rates[each.source[0]][each.source[1]] for each in own if each.source[0]) for own in neurons]
        for name, neurons in unroll(chip_graph).items()
    }
    found = events_of(connections_of(chip_graph), rates)
    assert {name: events.tolist() for name, events in found.items()} == expected


def test_blocks_hold_what_cores_do(chip_graph: Graph, unroll: Unroll):
    connections, shards, synapses = connections_of(chip_graph), cut(chip_graph, 2), unroll(chip_graph)
    rates = rates_of(chip_graph)
    graph = shard_graph_of(connections, shards, rates)
    block = np.random.default_rng(0).permutation(np.arange(graph.shards) % 3)
    core_of = {name: block[shard] for name, shard in shards.items()}
    loads = LoadCounter(chip_graph, hw_profiles.load("loihi2")).of(core_of)
    held = {name: cover.held(block, 3).tolist() for name, cover in graph.resources.items()}
    assert (held["neurons"], held["axons_in"]) == (loads.neurons.tolist(), loads.axons_in.tolist())
    assert held["weights"] == weights_of(chip_graph, core_of, synapses)
    events, work = events_of(connections, rates), np.zeros(3)
    for name, core in core_of.items():
        np.add.at(work, core, 1 + events[name])
    assert np.bincount(block, graph.work, 3).tolist() == work.tolist()


def weights_of(graph: Graph, core_of: Mapping[str, Any], synapses: Mapping[str, Any]) -> list[int]:
    """Weights on every core: rows once for a population, single synapses one by one."""
    rows: list[set[Any]] = [set(), set(), set()]
    for name, neurons in synapses.items():
        for core, own in zip(core_of[name], neurons, strict=True):
            for each in own:
                weight = graph.arrays(graph.nodes[each.projection]).get("weight")
                if weight is None:
                    rows[core].add((name, each.projection, each.element, 1))
                else:
                    rows[core].add((name, each.projection, each.row, prod(weight.shape[1:])))
    return [sum(row[-1] for row in each) for each in rows]
