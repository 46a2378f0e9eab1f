"""Every resource of every core, against synapses that are unrolled and looked at one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

import hw_profiles
from ir.analysis.limits import weight_bits
from ir.analysis.schedule import schedule
from ir.graph import Graph
from ir.mapping.loads import LoadCounter, Loads, core_limits, list_bytes
from ir.profile import Profile, Quantity, SynapseMemory

LOIHI1, LOIHI2 = hw_profiles.load("loihi1"), hw_profiles.load("loihi2")
FLAG = Quantity(False, "flag", "a test", "assumed")
UNSHARED = replace(
    LOIHI1, tables={**LOIHI1.tables, "synapse_memory": {**LOIHI1.tables["synapse_memory"], "shared_kernels": FLAG}}
)
PROFILES = {"loihi1": LOIHI1, "loihi2": LOIHI2, "unshared": UNSHARED}
Unroll = Callable[[Graph], Mapping[str, Any]]


def expected(
    graph: Graph, core_of: Mapping[str, Any], profile: Profile, synapses: Mapping[str, Any]
) -> dict[str, list[int]]:
    """The loads by dictionaries and loops."""
    cores = 1 + max(max(on) for on in core_of.values())
    memory, limits = profile.synapse_memory, schedule(graph).synaptic
    late = {name: max(delay for (_, own), delay in limits.items() if own == name) for _, name in limits}
    arriving, destinations = [set[Any]() for _ in range(cores)], defaultdict[Any, set[int]](set)
    lists: dict[Any, Counter[int]] = defaultdict(Counter)
    groups, slots = [set[Any]() for _ in range(cores)], [0] * cores
    for name, on in core_of.items():
        waits = {late[each.projection] for own in synapses[name] for each in own if each.projection in late}
        for neuron, core in enumerate(on):
            groups[core].add(graph.nodes[name].op)
            slots[core] += 1 + max(waits, default=0)
            for each in synapses[name][neuron]:
                if each.source[0]:
                    arriving[core].add(each.source)
                    destinations[each.source].add(core)
                shared = memory.shared_kernels and graph.nodes[each.projection].op.kind in ("linear", "conv")
                key = (core, name, each.projection, each.column if shared else each.element)
                lists[key][each.row] = 1 if shared else lists[key][each.row] + 1
    stored = [0] * cores
    dense, sparse = defaultdict[Any, int](int), defaultdict[Any, int](int)
    for (core, population, projection, column), rows in lists.items():
        node = graph.nodes[projection]
        bits = weight_bits(graph, node, profile.features.programmable_neurons) if memory.narrow_weights else 8
        bits += memory.delay_bits if late.get(projection) else 0
        shared = memory.shared_kernels or node.op.kind != "linear"
        part = (core, population, projection, None if shared else column // node_inputs(graph, projection))
        dense[part] += one_list(rows.total(), bits, memory)
        weight = graph.arrays(node).get("weight")
        if memory.index_bits is None or node.op.kind != "linear" or weight is None:
            sparse[part] += one_list(rows.total(), bits, memory)
        else:
            at = column[0] if shared else column % node_inputs(graph, projection)
            kept = sum(count for row, count in rows.items() if weight[row, at])
            sparse[part] += one_list(kept, bits + memory.index_bits, memory)
    for part, size in dense.items():
        stored[part[0]] += min(size, sparse[part])
    return {
        "neurons": [sum(int(core == each) for on in core_of.values() for each in on) for core in range(cores)],
        "synapse_memory": stored,
        "axons_in": [len(sources) for sources in arriving],
        "axons_out": [
            sum(len(destinations[name, i]) for name, on in core_of.items() for i, own in enumerate(on) if own == core)
            for core in range(cores)
        ],
        "cores_per_neuron": [
            max(
                [
                    0,
                    *(
                        len(destinations[name, i])
                        for name, on in core_of.items()
                        for i, own in enumerate(on)
                        if own == core
                    ),
                ]
            )
            for core in range(cores)
        ],
        "neuron_groups": [len(each) for each in groups],
        "delay_slots": slots,
    }


def node_inputs(graph: Graph, projection: str) -> int:
    return graph.args(graph.nodes[projection])[0].shape[-1]


def one_list(synapses: int, bits: int, memory: SynapseMemory) -> int:
    total = 0
    while synapses > 0:
        part = min(synapses, memory.list_synapses or synapses)
        total += -(-(memory.header_bits + part * bits) // (8 * memory.word_bytes)) * memory.word_bytes
        synapses -= part
    return total


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_resource_of_every_core(chip_graph: Graph, unroll: Unroll, name: str, seed: int):
    synapses = unroll(chip_graph)
    rng = np.random.default_rng(seed)
    core_of = {population: rng.integers(0, 4, len(neurons)) for population, neurons in synapses.items()}
    core_of[next(iter(core_of))][0] = 3
    loads = LoadCounter(chip_graph, PROFILES[name]).of(core_of)
    found = {item.name: getattr(loads, item.name).tolist() for item in fields(Loads)}
    assert found == expected(chip_graph, core_of, PROFILES[name], synapses)


@pytest.mark.parametrize("name", PROFILES)
def test_a_block_is_a_core_of_its_own(chip_graph: Graph, name: str):
    counter = LoadCounter(chip_graph, PROFILES[name])
    for population, connections in counter.connections.into.items():
        neurons = len(connections[0].results)
        half = np.arange(0, neurons, 2)
        alone = counter.of({population: np.arange(neurons) % 2})
        for resource, used in counter.block(population, half).items():
            assert used == getattr(alone, resource)[0], resource


def test_lists_take_whole_words_and_headers():
    assert list_bytes(np.array([0, 1, 4, 5, 256]), 8, LOIHI2.synapse_memory).tolist() == [0, 4, 4, 8, 260]
    assert list_bytes(np.array([0, 6, 7, 65]), 8, LOIHI1.synapse_memory).tolist() == [0, 8, 16, 80]


def test_limits_are_those_of_the_profile():
    assert core_limits(hw_profiles.load("ideal")) == {}
    assert core_limits(LOIHI1)["axons_in"] == 4096
    assert set(core_limits(LOIHI1)) <= {item.name for item in fields(Loads)}
