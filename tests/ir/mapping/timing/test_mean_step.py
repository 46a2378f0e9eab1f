"""Steps of known activity, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import hw_profiles
from ir.graph import GraphBuilder
from ir.mapping.connections import connections_of
from ir.mapping.core_map import CoreMap
from ir.mapping.timing.mean_step import mean_step
from ir.mapping.timing.message_queues import follow
from ir.ops import Input, Linear
from ir.ops.integer_neuron import IntegerLif
from ir.profile import Quantity

NS = {
    "neuron_update": 5,
    "spike": 3,
    "axon_out": 7,
    "axon_in": 16,
    "synaptic_event": 2,
    "barrier_one": 100,
    "barrier_all": 100,
}


def test_the_longer_half_of_the_busiest_core_and_the_barrier():
    """Four neurons read six inputs of rate 1/2 on core 0, and are read by two on core 1, at rate 3/4."""
    builder = GraphBuilder("two", 1)
    value = builder.add(Input("spike[6]"), name="x")
    for name, shape in (("a", (4, 6)), ("b", (2, 4))):
        weight = builder.param(f"w{name}", np.ones(shape, np.int8))
        current = builder.add(Linear(), value, name=f"l{name}", params={"weight": weight})
        value = builder.add(IntegerLif(4095, 0, 1, 6, 12, 24), current, name=name)
    graph = builder.build({"y": value})
    cores = CoreMap({"a": np.zeros(4, np.int32), "b": np.ones(2, np.int32)}, np.array([[0, 0, 0], [0, 1, 0]]))
    rates = {"x": np.full(6, 0.5), "a": np.full(4, 0.75), "b": np.zeros(2)}
    base = hw_profiles.load("loihi2")
    times = {name: Quantity(ns, "ns", "a test", "assumed") for name, ns in NS.items()}
    profile = replace(base, tables={**base.tables, "timing": times})
    receiving, sending = 16 * 3 + 2 * 4 * 3, 5 * 4 + 3 * 3 + 7 * 3
    assert mean_step(connections_of(graph), cores, profile, [rates]) == max(receiving, sending) + 100
    twice = {name: 2 * rate for name, rate in rates.items()}
    busier = max(2 * receiving, 5 * 4 + 2 * (3 * 3 + 7 * 3))
    mean = (max(receiving, sending) + busier) / 2 + 100
    assert mean_step(connections_of(graph), cores, profile, [rates, twice]) == mean
    without = replace(base, tables={name: table for name, table in base.tables.items() if name != "timing"})
    assert mean_step(connections_of(graph), cores, without, [rates]) is None


def test_messages_wait_where_the_loop_follows_them():
    """A neuron that sends after 15 ns, 50 from its reader, where it is taken in for 18; then a step in which none fires."""
    builder = GraphBuilder("pair", 1)
    value = builder.add(Input("spike[1]"), name="x")
    for name in "ab":
        weight = builder.param(f"w{name}", np.ones((1, 1), np.int8))
        current = builder.add(Linear(), value, name=f"l{name}", params={"weight": weight})
        value = builder.add(IntegerLif(4095, 0, 1, 6, 12, 24), current, name=name)
    graph = builder.build({"y": value})
    cores = CoreMap({"a": np.zeros(1, np.int32), "b": np.ones(1, np.int32)}, np.array([[0, 0, 0], [0, 1, 0]]))
    moments = [{"x": np.zeros(1), "a": np.array([fires]), "b": np.zeros(1)} for fires in (True, False)]
    base = hw_profiles.load("ideal")
    times = {name: Quantity(ns, "ns", "a test", "assumed") for name, ns in {**NS, "hop_east_west": 50}.items()}
    mesh = {"link_buffer": Quantity(1, "message", "a test", "assumed")}
    profile = replace(base, tables={**base.tables, "timing": times, "mesh": mesh})
    sent, taken = 5 + 3 + 7, 16 + 2
    assert mean_step(connections_of(graph), cores, profile, moments, follow) == (sent + 50 + taken + 5) / 2 + 100
    for own, loop in ((profile, None), (replace(profile, tables={**base.tables, "timing": times}), follow)):
        assert mean_step(connections_of(graph), cores, own, moments, loop) == (taken + 5) / 2 + 100
