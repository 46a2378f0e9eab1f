"""Samples in a stream and alone, by hand and against loops over steps and cores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ir.analysis.schedule import schedule
from ir.graph import Graph, GraphBuilder
from ir.mapping.connections import connections_of
from ir.mapping.core_map import CoreMap
from ir.mapping.timing.sample_time import Estimate, sample_time
from ir.mapping.timing.spike_trains import spike_trains
from ir.mapping.timing.step_messages import MessageLister
from ir.mapping.timing.ways import ways_of
from ir.ops import Input, IntegerLif, Linear
from ir.profile import Profile, Quantity

Unroll = Callable[[Graph], Mapping[str, Any]]
NS = {"neuron_update": 10, "spike": 5, "axon_out": 2, "axon_in": 7, "synaptic_event": 3, "barrier_one": 4}


def profile(**ns: tuple[int, int, int]) -> Profile:
    """A chip whose cores share a router; value, least and most of what is not as in NS."""
    numbers = {**{name: (value, value, value) for name, value in NS.items()}, **ns}
    numbers["barrier_all"] = numbers["barrier_one"]
    timing = {
        name: Quantity(Fraction(value), "ns", "nobody", "assumed", low=Fraction(low), high=Fraction(high))
        for name, (value, low, high) in numbers.items()
    }
    return Profile("made-up", "made up", "made-up", {"timing": timing})


def three_neurons() -> tuple[Graph, CoreMap]:
    """Two neurons on core 0 that read an input each, and one on core 1 that reads both."""
    b = GraphBuilder("three", 2)
    lif = IntegerLif(4095, 0, 1, 6, 12, 24)
    one = b.add(
        Linear(),
        b.add(Input("spike[1]"), name="x"),
        name="l0",
        params={"weight": b.param("w", np.ones((2, 1), np.int16))},
    )
    two = b.add(
        Linear(), b.add(lif, one, name="a"), name="l1", params={"weight": b.param("v", np.ones((1, 2), np.int16))}
    )
    graph = b.build({"y": b.add(lif, two, name="b")})
    return graph, CoreMap(
        {"a": np.array([0, 0], np.int32), "b": np.array([1], np.int32)}, np.array([[0, 0, 0], [0, 1, 0]])
    )


def test_three_neurons_on_two_cores():
    graph, cores = three_neurons()
    ways = ways_of(connections_of(graph), cores.core_of)
    trains = spike_trains(graph, ways, EMITTED, (1, 2, 1))
    found = sample_time(ways, cores, profile(neuron_update=(10, 1, 10), axon_in=(7, 7, 70)), trains, FIRST, 4)
    # Alone, step by step; core 0 sends and takes in, core 1 sends and takes in:
    # 0: 20       7 + 2 * 3    10       0           20
    # 1: 20 + 2 (5 + 2)   0    10       2 (7 + 3)   34
    # 2: 20 + 5 + 2       0    10 + 5   7 + 3       27
    # 3: 20               0    10       0           20
    assert found.isolated.value == 20 + 34 + 27 + 20 + 4 * 4
    # In the stream x and b fire in even steps, a in both, first twice and then once in odd and even ones.
    assert found.streaming.value == (27 + 34) + 2 * 4
    assert (found.step.value, found.longest_step.value) == (34.5, 38)
    assert (found.core, found.waits_for) == (0, "neurons")
    # With 1 ns per neuron, core 1 takes in for longer in step 1, and so it does with 70 ns per message.
    assert found.isolated.low == (13 + 20 + 10 + 2) + 4 * 4
    assert found.isolated.high == (76 + 146 + 73 + 20) + 4 * 4


FIRST = {"x": 0, "a": 1, "b": 2}
EMITTED = {
    "x": np.array([1, 0]).reshape(2, 1, 1),
    "a": np.array([[1, 1], [1, 0]]).reshape(2, 1, 2),
    "b": np.array([1, 0]).reshape(2, 1, 1),
}


def test_messages_of_a_step_are_listed_once_for_all_readings(monkeypatch: pytest.MonkeyPatch):
    graph, cores = three_neurons()
    ways = ways_of(connections_of(graph), cores.core_of)
    trains = spike_trains(graph, ways, EMITTED, (1, 2, 1))
    chip, room = profile(axon_in=(7, 7, 70)), Quantity(1, "message", "nobody", "assumed")
    steps, listed = list[object](), MessageLister.of
    monkeypatch.setattr(MessageLister, "of", lambda self, fired: [steps.append(fired), listed(self, fired)][1])
    sample_time(ways, cores, replace(chip, tables={**chip.tables, "mesh": {"link_buffer": room}}), trains, FIRST, 4)
    assert len(steps) == 2 + 4


def test_messages_that_come_late_hold_up_the_same():
    graph, cores = three_neurons()
    ways = ways_of(connections_of(graph), cores.core_of)
    trains = spike_trains(graph, ways, EMITTED, (1, 2, 1))
    hop, room = profile(hop_east_west=(8, 8, 8)), Quantity(1, "message", "nobody", "assumed")
    buffered = replace(hop, tables={**hop.tables, "mesh": {"link_buffer": room}})
    found = sample_time(ways, cores, buffered, trains, FIRST, 4)
    # Alone: the neurons of core 0 send after 17 and 34 ns; 8 ns later, core 1 takes in for 10. One sends alone in the next step.
    assert found.isolated.value == 20 + (34 + 8 + 10) + (17 + 8 + 10) + 20 + 4 * 4
    assert (found.longest_step.value, found.core, found.waits_for) == (52 + 4, 1, "queues")
    # Nobody waits where it is not known how many find room, or who fires.
    for chip, spikes in ((hop, trains), (buffered, replace(trains, neurons=None))):
        assert sample_time(ways, cores, chip, spikes, FIRST, 4).isolated.value == 20 + 34 + 27 + 20 + 4 * 4


@pytest.mark.parametrize("seed", [0, 1])
def test_cores_are_as_busy_as_loops_over_all_spikes_say(chip_graph: Graph, unroll: Unroll, seed: int):
    synapses, random = unroll(chip_graph), np.random.default_rng(seed)
    core_of = {name: random.permutation(np.arange(len(each)) % 3).astype(np.int32) for name, each in synapses.items()}
    cores = CoreMap(core_of, np.array([[0, k, 0] for k in range(3)]))
    plan = schedule(chip_graph)
    inside, steps, samples = plan.micro_steps, 3, 2
    emitting = [node for node in chip_graph.nodes.values() if node.op.family in ("input", "neuron")]
    emitted = {node.name: random.integers(0, 2, (steps, samples, *node.type.shape)) for node in emitting}
    first = {node.name: inside * plan.depth[node.name] for node in emitting}
    whole = inside * (steps + plan.latency)
    ways = ways_of(connections_of(chip_graph), core_of)
    trains = spike_trains(chip_graph, ways, emitted, (samples, steps, inside))
    found = sample_time(ways, cores, profile(), trains, first, whole)

    def fires(name: str, neuron: int, sample: int, step: int) -> bool:
        """Whether a neuron fires in a chip step of a sample's window."""
        t, place = divmod(step, inside)
        values = emitted[name].reshape(steps, samples, -1, len(ways.of[name]))
        return 0 <= t < steps and place < values.shape[2] and bool(values[t, sample, place, neuron])

    def ns(active: Callable[[str, int], bool]) -> int:
        busy = np.zeros((2, 3), int)
        sent = set[tuple[str, int, int]]()
        for name, neurons in synapses.items():
            for neuron, (core, own) in enumerate(zip(core_of[name].tolist(), neurons, strict=True)):
                busy[0, core] += 10 + 5 * active(name, neuron)
                met = [each.source for each in own if each.source[0] and active(*each.source)]
                busy[1, core] += 3 * len(met)
                sent |= {(*source, core) for source in met}
        for name, neuron, core in sent:
            busy[1, core] += 7
            if name in core_of:
                busy[0, core_of[name][neuron]] += 2
        return int(busy.max()) + 4

    alone = [
        ns(lambda name, neuron: fires(name, neuron, sample, step - first[name]))  # noqa: B023
        for sample in range(samples)
        for step in range(whole)
    ]
    period = samples * steps * inside
    stream = [
        ns(lambda name, n: fires(name, n, *divmod((step - first[name]) % period, steps * inside)))  # noqa: B023
        for step in range(period)
    ]
    assert found.isolated == Estimate(*[sum(alone) / samples] * 3)
    assert found.streaming == Estimate(*[sum(stream) / samples] * 3)
    assert found.longest_step.value == max(stream)
