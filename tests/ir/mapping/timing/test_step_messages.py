"""The messages of a step, sent neuron by neuron over unrolled synapses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from ir.graph import Graph
from ir.mapping.connections import connections_of
from ir.mapping.core_map import CoreMap
from ir.mapping.timing import step_messages
from ir.mapping.timing.step_messages import NO_ROUTE, NOBODY, MessageLister, can_be_followed
from ir.mapping.timing.ways import ways_of
from ir.profile import Mesh

Unroll = Callable[[Graph], Mapping[str, Any]]
PLACES = np.array([[0, 0, 0], [0, 1, 1], [0, 2, 0]])
ENTRY = Mesh(4, 4, input_column=3, input_row=1)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("mesh", [Mesh(4, 4), ENTRY])
def test_cores_send_neuron_by_neuron_in_the_order_of_the_graph(
    chip_graph: Graph, unroll: Unroll, seed: int, mesh: Mesh
):
    synapses, random = unroll(chip_graph), np.random.default_rng(seed)
    core_of = {name: random.permutation(np.arange(len(each)) % 3).astype(np.int32) for name, each in synapses.items()}
    sizes = {**{node.name: node.type.size for node in chip_graph.inputs}, **{n: len(c) for n, c in core_of.items()}}
    fired = {name: np.flatnonzero(random.random(size) < 0.5) for name, size in sizes.items()}
    met = Counter[tuple[str, int, int]]()
    for name, neurons in synapses.items():
        for core, own in zip(core_of[name].tolist(), neurons, strict=True):
            met.update((*each.source, core) for each in own if each.source[0])
    cores = CoreMap(core_of, PLACES)
    lister = MessageLister(ways_of(connections_of(chip_graph), core_of), cores, mesh)
    found = lister.of(fired)
    expected = list[tuple[int, ...]]()
    for sender in range(4):
        neurons = spikes = 0
        for name in [name for name in chip_graph.nodes if name in sizes]:
            for neuron in range(sizes[name]):
                if (core_of[name][neuron] if name in core_of else 3) != sender:
                    continue
                neurons, spikes = neurons + 1, spikes + (neuron in fired[name])
                for core in range(3) if neuron in fired[name] else ():
                    if met[name, neuron, core]:
                        own = (neurons, spikes, 1) if sender < 3 else (0, 0, 0)
                        expected.append((*own, core, met[name, neuron, core]))
                        neurons = spikes = 0
        expected.append((neurons if sender < 3 else 0, spikes if sender < 3 else 0, 0, NOBODY, 0))
    columns = (found.neuron_update, found.spike, found.axon_out, found.target, found.synaptic_event)
    assert [*zip(*(each.tolist() for each in columns), strict=True)] == expected
    assert found.target[found.starts[1:] - 1].tolist() == [NOBODY] * 4
    home = [*PLACES[:, 1:].tolist(), [3, 1]]
    for sender, (first, end) in enumerate(zip(found.starts, found.starts[1:], strict=False)):
        for target, route in zip(found.target[first:end].tolist(), found.route[first:end].tolist(), strict=True):
            if target == NOBODY or (sender == 3 and mesh is not ENTRY):
                assert route == NO_ROUTE
            else:
                hops = np.abs(np.array(home[sender]) - home[target])
                assert lister.routes.hops[route].tolist() == hops.tolist()


def test_routes_are_listed_where_they_pass_few_buffers(
    chip_graph: Graph, unroll: Unroll, monkeypatch: pytest.MonkeyPatch
):
    core_of = {name: np.arange(len(each), dtype=np.int32) % 3 for name, each in unroll(chip_graph).items()}
    ways, cores = ways_of(connections_of(chip_graph), core_of), CoreMap(core_of, PLACES)
    for more in (0, -1):
        buffers = len(MessageLister(ways, cores, ENTRY).routes.buffers)
        monkeypatch.setattr(step_messages, "MOST_BUFFERS", buffers + more)
        assert can_be_followed(ways, cores, ENTRY) == (more == 0)


def test_in_a_step_without_spikes_neurons_are_updated(unroll: Unroll, chip_graph: Graph):
    core_of = {name: np.zeros(len(each), np.int32) for name, each in unroll(chip_graph).items()}
    lister = MessageLister(ways_of(connections_of(chip_graph), core_of), CoreMap(core_of, PLACES[:1]), Mesh())
    found = lister.of({})
    assert (found.starts.tolist(), found.target.tolist()) == ([0, 1, 2], [NOBODY] * 2)
    assert found.neuron_update.tolist() == [sum(map(len, core_of.values())), 0]
