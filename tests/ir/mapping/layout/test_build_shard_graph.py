"""What shards spend and send, against unrolled synapses and the loads of a map in which every shard is a core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import hw_profiles
from ir.analysis.fan_in import populations
from ir.graph import Graph
from ir.mapping.connections import connections_of
from ir.mapping.layout.build_shard_graph import events_of, shard_graph_of
from ir.mapping.loads import LoadCounter

TIMES = {"neuron_update": 4.0, "spike": 2.0, "axon_in": 16.0, "synaptic_event": 0.5}
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


@pytest.mark.parametrize("profile", ["loihi1", "loihi2"])
def test_blocks_hold_no_less_than_cores_do(chip_graph: Graph, profile: str):
    counter = LoadCounter(chip_graph, hw_profiles.load(profile))
    shards, first, rates = dict[str, Any](), 0, rates_of(chip_graph)
    for node in populations(chip_graph):
        shards[node.name] = first + np.arange(node.op.neurons(node.type)) // 3
        first = shards[node.name].max() + 1
    graph = shard_graph_of(counter, shards, rates, TIMES)
    block = np.random.default_rng(0).permutation(np.arange(graph.shards) % 3)
    core_of = {name: block[shard] for name, shard in shards.items()}
    loads = counter.of(core_of)
    held = {name: cover.held(block, 3) for name, cover in graph.resources.items()}
    for name in ("neurons", "delay_slots", "neuron_groups"):
        assert held[name].tolist() == getattr(loads, name).tolist()
    for name in ("synapse_memory", "axons_in"):
        assert (held[name] >= getattr(loads, name)).all()
    if profile == "loihi1":  # no convolution shares axons there
        assert held["axons_in"].tolist() == loads.axons_in.tolist()
    every, work = events_of(counter.connections, rates), np.zeros(3)
    for name, core in core_of.items():
        np.add.at(work, core, 1 + every[name])
    assert np.bincount(block, graph.work, 3).tolist() == work.tolist()


def test_a_shard_alone_holds_what_its_core_would(chip_graph: Graph):
    counter = LoadCounter(chip_graph, hw_profiles.load("loihi2"))
    shards = {node.name: np.full(node.op.neurons(node.type), k) for k, node in enumerate(populations(chip_graph))}
    graph, loads = shard_graph_of(counter, shards, rates_of(chip_graph), TIMES), counter.of(shards)
    for name in ("neurons", "synapse_memory", "delay_slots", "neuron_groups"):
        assert graph.resources[name].alone(graph.shards).tolist() == getattr(loads, name).tolist()


def test_halves_of_a_core_take_what_its_events_do(chip_graph: Graph, unroll: Unroll):
    counter, rates = LoadCounter(chip_graph, hw_profiles.load("loihi2")), rates_of(chip_graph)
    random, synapses = np.random.default_rng(2), unroll(chip_graph)
    shards, first = dict[str, Any](), 0
    for node in populations(chip_graph):
        shards[node.name] = first + np.arange(node.op.neurons(node.type)) // 3
        first = shards[node.name].max() + 1
    graph, block = shard_graph_of(counter, shards, rates, TIMES), random.permutation(np.arange(first) % 3)
    sending, receiving, arrived = np.zeros(3), np.zeros(3), set[Any]()
    for name, neurons in synapses.items():
        for core, rate, own in zip(block[shards[name]], rates[name], neurons, strict=True):
            sending[core] += 4 + 2 * rate
            wired = [each.source for each in own if each.source[0]]
            receiving[core] += 0.5 * sum(rates[source][neuron] for source, neuron in wired)
            arrived |= {(int(core), *source) for source in wired}
    for core, source, neuron in arrived:
        receiving[core] += 16 * rates[source][neuron]
    assert graph.resources["sending"].held(block, 3).tolist() == sending.tolist()
    assert graph.resources["receiving"].held(block, 3).tolist() == receiving.tolist()
