"""The work of a step, counted spike by spike over unrolled synapses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from ir.graph import Graph
from ir.mapping.connections import connections_of
from ir.mapping.core_map import CoreMap
from ir.mapping.timing.links import links_of
from ir.mapping.timing.ways import ways_of
from ir.mapping.timing.work import WorkCounter
from ir.profile import Mesh

Unroll = Callable[[Graph], Mapping[str, Any]]
PLACES = np.array([[0, 0, 0], [0, 1, 1], [0, 1, 0], [1, 0, 0]])


@pytest.mark.parametrize("seed", [0, 1])
def test_every_spike_is_sent_taken_in_and_met_by_its_synapses(chip_graph: Graph, unroll: Unroll, seed: int):
    synapses, random = unroll(chip_graph), np.random.default_rng(seed)
    core_of = {name: random.permutation(np.arange(len(each)) % 4).astype(np.int32) for name, each in synapses.items()}
    sizes = {**{node.name: node.type.size for node in chip_graph.inputs}, **{n: len(c) for n, c in core_of.items()}}
    fired = {name: random.random(size) < 0.5 for name, size in sizes.items()}
    expected: dict[str, list[int]] = {name: [0] * 4 for name in ("updates", "spikes", "out", "in", "events")}
    sent = set[tuple[str, int, int]]()
    for name, neurons in synapses.items():
        for neuron, (core, own) in enumerate(zip(core_of[name].tolist(), neurons, strict=True)):
            expected["updates"][core] += 1
            expected["spikes"][core] += int(fired[name][neuron])
            active = [each.source for each in own if each.source[0] and fired[each.source[0]][each.source[1]]]
            expected["events"][core] += len(active)
            sent |= {(*source, core) for source in active}
    flow = np.zeros((4, 4))
    for name, neuron, core in sent:
        expected["in"][core] += 1
        if name in core_of:
            expected["out"][core_of[name][neuron]] += 1
            flow[core_of[name][neuron], core] += 1
    ways = ways_of(connections_of(chip_graph), core_of)
    spikes = np.sum([np.bincount(ways.of[name], fired[name], ways.count) for name in fired], axis=0)
    work = WorkCounter(ways, CoreMap(core_of, PLACES), Mesh(2, 2)).of(spikes)
    found = (work.neuron_update, work.spike, work.axon_out, work.axon_in, work.synaptic_event)
    assert [each.tolist() for each in found] == [*expected.values()]
    (x, y), (start, end) = np.array([[0, 1, 1, 2], [0, 1, 0, 0]]), np.indices((4, 4)).reshape(2, -1)
    assert work.links.busiest == links_of((x[start], y[start]), (x[end], y[end]), flow.ravel()).busiest
