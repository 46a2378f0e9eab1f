"""Maps for every objective: legal, counted as spikes are, never worse than the plain map, and kept where that is better."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import hw_profiles
from ir.graph import Graph
from ir.mapping.board import Board
from ir.mapping.connections import connections_of
from ir.mapping.fit import Fit, fit
from ir.mapping.layout import map_for as module
from ir.mapping.layout.build_shard_graph import events_of
from ir.mapping.layout.map_for import OBJECTIVES, LaidOut, Objective, map_for
from ir.mapping.layout.partition import is_available
from ir.mapping.loads import core_limits
from ir.mapping.nets import nets_of
from ir.mapping.split import plain_map
from ir.mapping.timing import step_messages
from ir.mapping.timing.mean_step import mean_step
from ir.mapping.timing.message_queues import follow
from ir.mapping.timing.traffic import traffic
from ir.profile import Profile, Quantity

pytestmark = pytest.mark.skipif(not is_available(), reason="mtkahypar is not installed")


def small(**limits: int) -> Profile:
    """Chips of a few small cores."""
    base = hw_profiles.load("loihi2-compiler")
    table = {name: Quantity(value, "", "a test", "assumed") for name, value in limits.items()}
    return replace(base, tables={**base.tables, "limits": table})


PROFILE = small(neurons_per_core=9, axons_in_per_core=60, synapse_memory_per_core=900, cores_per_chip=8)


def rates_of(graph: Graph) -> dict[str, Any]:
    random, sizes = np.random.default_rng(1), {node.name: node.type.size for node in graph.inputs}
    sizes |= {node.name: node.op.neurons(node.type) for node in graph.nodes.values() if node.op.family == "neuron"}
    return {name: random.integers(0, 9, size) / 8 for name, size in sizes.items()}


def mapped(graph: Graph, objective: Objective, profile: Profile = PROFILE) -> tuple[Fit, LaidOut]:
    plain = fit(graph, profile, plain_map(graph, profile))
    return plain, map_for(graph, plain, profile, objective, rates_of(graph))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_map_is_legal_and_no_worse_than_the_plain_one(chip_graph: Graph, objective: Objective):
    plain, found = mapped(chip_graph, objective)
    cores = found.fit.cores
    cores.check(chip_graph)
    assert found.fit.loads is not None
    assert found.fit.loads.over(core_limits(PROFILE)) == {}
    assert np.bincount(cores.places[:, 0]).max() <= 8
    assert found.cost.of(objective) <= found.plain.of(objective)
    assert found.is_plain == (found.fit is plain)
    board = Board.of(PROFILE, cores.cores)
    sent = traffic(nets_of(connections_of(chip_graph), cores.core_of, rates_of(chip_graph)), cores.places, board)
    busy, events = np.zeros(cores.cores), events_of(connections_of(chip_graph), rates_of(chip_graph))
    for name, on in cores.core_of.items():
        np.add.at(busy, on, 1 + events[name])
    assert (found.cost.visits, found.cost.busiest) == pytest.approx((sent.visits, busy.max()), rel=1e-12)
    assert found.cost.cores == cores.cores
    expected = (
        mean_step(connections_of(chip_graph), cores, PROFILE, [rates_of(chip_graph)]) if objective == "time" else None
    )
    assert found.cost.step == expected
    again = mapped(chip_graph, objective)[1].fit.cores
    assert all(np.array_equal(on, again.core_of[name]) for name, on in cores.core_of.items())
    assert np.array_equal(cores.places, again.places)


def test_time_uses_the_cores_that_the_chips_have(chip_graph: Graph):
    _, found = mapped(chip_graph, "time")
    assert found.fit.cores.chips <= -(-found.plain.cores // 8)
    assert found.cost.step is not None
    assert found.plain.step is not None
    assert found.cost.step <= found.plain.step


def moments_of(graph: Graph, steps: int) -> list[dict[str, Any]]:
    """Layers that fire by turns: in a step all neurons of some populations, a few of all others."""
    random, rates = np.random.default_rng(2), rates_of(graph)
    return [
        {name: random.random(len(rate)) < random.integers(0, 2) for name, rate in rates.items()} for _ in range(steps)
    ]


@pytest.mark.parametrize(("messages", "buffers"), [(1, 10**6), (10**6, 10**6), (10**6, 0)])
def test_where_it_is_known_who_fires_maps_are_compared_step_by_step(
    chip_graph: Graph, messages: int, buffers: int, monkeypatch: pytest.MonkeyPatch
):
    """Where messages are few enough, with waits where routes are; maps of levelled steps are tried all the same."""
    monkeypatch.setattr(module, "MOST_MESSAGES", messages)
    monkeypatch.setattr(step_messages, "MOST_BUFFERS", buffers)
    plain, moments = fit(chip_graph, PROFILE, plain_map(chip_graph, PROFILE)), moments_of(chip_graph, 12)
    tried = list[Any]()
    chosen = module.put_down

    def spy(*given: Any) -> Any:
        tried.append(chosen(*given))
        return tried[-1]

    monkeypatch.setattr(module, "put_down", spy)
    found = map_for(chip_graph, plain, PROFILE, "time", rates_of(chip_graph), moments, follow)
    cores = found.fit.cores
    timed = ([rates_of(chip_graph)], None) if messages == 1 else (moments, follow if buffers else None)
    cores.check(chip_graph)
    assert tried
    assert found.fit.loads is not None
    assert found.fit.loads.over(core_limits(PROFILE)) == {}
    assert found.cost.step == mean_step(connections_of(chip_graph), cores, PROFILE, *timed)
    assert found.plain.step == mean_step(connections_of(chip_graph), plain.cores, PROFILE, *timed)
    assert found.cost.of("time") <= found.plain.of("time")


def test_without_times_updates_and_events_count_the_same(chip_graph: Graph):
    profile = replace(PROFILE, tables={name: table for name, table in PROFILE.tables.items() if name != "timing"})
    _, found = mapped(chip_graph, "time", profile)
    assert found.cost.step is None
    assert found.cost.busiest <= found.plain.busiest


def test_a_map_that_breaks_a_limit_is_not_taken(chip_graph: Graph, monkeypatch: pytest.MonkeyPatch):
    """As if shards had forgotten all limits: one core holds everything."""
    monkeypatch.setattr(module, "lay_out", lambda graph, *_: (np.zeros(graph.shards, int), np.zeros((1, 3), int)))
    plain, found = mapped(chip_graph, "cores")
    assert (found.is_plain, found.fit is plain) == (True, True)


@pytest.mark.parametrize("chip_graph", ["recurrent"], indirect=True)
def test_where_cores_hold_more_than_their_shards_were_taken_for_they_get_less(
    chip_graph: Graph, monkeypatch: pytest.MonkeyPatch
):
    """As if synapses took half of their memory: what was too much then is what the limit is divided by."""
    chosen, spread_over, asked = module.shard_graph_of, module.spread, list[float]()

    def light(*given: Any) -> Any:
        graph = chosen(*given)
        memory = graph.resources["synapse_memory"]
        return replace(graph, resources={**graph.resources, "synapse_memory": replace(memory, sizes=memory.sizes / 2)})

    def spy(shardings: Any, graph: Any, busy: Any, limits: Any, cores: int) -> Any:
        asked.append(limits["synapse_memory"])
        return spread_over(shardings, graph, busy, limits, cores)

    monkeypatch.setattr(module, "shard_graph_of", light)
    monkeypatch.setattr(module, "spread", spy)
    profile = small(axons_in_per_core=60, synapse_memory_per_core=72, cores_per_chip=8)
    _, found = mapped(chip_graph, "time", profile)
    assert asked[:3] == [72, 36, 36]
    assert not found.is_plain
    assert found.fit.loads is not None
    assert found.fit.loads.over(core_limits(profile)) == {}


@pytest.mark.parametrize("limit", ["axons_out", "cores_per_neuron"])
@pytest.mark.parametrize("chip_graph", ["dense"], indirect=True)
def test_a_limit_of_what_cores_send_is_kept(chip_graph: Graph, limit: str, monkeypatch: pytest.MonkeyPatch):
    """As few as on the plain map, where finer maps send to more cores: these are left, and no shard is blamed for it."""

    def sending(most: int) -> Profile:
        key = {"axons_out": "axons_out_per_core"}.get(limit, limit)
        return small(axons_in_per_core=60, synapse_memory_per_core=900, cores_per_chip=8, **{key: most})

    plain, _ = mapped(chip_graph, "time", sending(1000))
    most, missed, exceeded = int(getattr(plain.loads, limit).max()), module._Task.missed, list[bool]()

    def spy(task: Any, found: Any, *given: Any) -> Any:
        exceeded.append(limit in task.counter.of(found.core_of).over(core_limits(sending(most))))
        return missed(task, found, *given)

    monkeypatch.setattr(module._Task, "missed", spy)
    _, found = mapped(chip_graph, "time", sending(most))
    assert found.fit.loads is not None
    assert (any(exceeded), found.fit.loads.over(core_limits(sending(most)))) == (True, {})


def test_without_limits_all_is_on_one_core(chip_graph: Graph):
    _, found = mapped(chip_graph, "energy", hw_profiles.load("ideal"))
    assert (found.fit.cores.cores, found.is_plain) == (1, True)


def test_where_cores_are_left_finer_shards_are_tried(monkeypatch: pytest.MonkeyPatch, chip_graph: Graph):
    """For so many more cores as the first ones were too few for, and not again where nearly all are used."""
    asked, used, chosen = list[int](), list[int](), module.pack

    def spread_over(shardings: Any, graph: Any, busy: Any, limits: Any, cores: int) -> Any:
        asked.append(cores)
        return shardings, 1e9

    def packed(graph: Any, limits: Any) -> Any:
        used.append(1 + int(chosen(graph, limits).max()))
        return chosen(graph, limits)

    monkeypatch.setattr(module, "spread", spread_over)
    monkeypatch.setattr(module, "pack", packed)
    roomy = small(neurons_per_core=9, axons_in_per_core=60, synapse_memory_per_core=900, cores_per_chip=64)
    mapped(chip_graph, "time", roomy)
    (cores,) = {*used}
    assert cores < 0.9 * 64
    assert asked[-3:] == [64, 64 * 64 // cores, 64 * 64 // cores * 64 // cores]
    asked.clear()
    monkeypatch.setattr(module, "FULL", 0)
    mapped(chip_graph, "time", roomy)
    assert asked[-1] == 64
    assert len({*asked}) == len(asked)
