"""Events from how often every element was active: cut wires, copies, delays beyond the window, and what one number says."""

from __future__ import annotations

import numpy as np

from backends.lava.events import count_events, counted_as_one, delayed_sources
from ir.graph import Graph, GraphBuilder
from ir.ops import Delay, Expand, Input, Linear, Past, Slice, Synapse
from ir.ops.integer_neuron import IntegerLif

RELAY = IntegerLif(4095, 4096, 0, 6, 12, 24)


def net() -> Graph:
    """x -> a whole and with copies, a -> b late, b -> c through a cut, c -> d on a back edge."""
    b = GraphBuilder("net", 3)
    x = b.add(Input("spike[1x2]"), name="x")
    weight = {"weight": b.param("w", np.ones((3, 2), np.int8))}
    a = b.add(RELAY, b.add(Linear(), x, name="x_a", params=weight), name="a")
    b.add(RELAY, b.add(Synapse(1), b.add(Expand((4, 2)), x, name="wide"), name="x_wide"), name="copies")
    second = b.add(RELAY, b.add(Synapse(1), b.add(Delay(2), a, name="late"), name="a_b"), name="b")
    narrow = {"weight": b.param("v", np.ones((5, 2), np.int8))}
    b.add(RELAY, b.add(Linear(), b.add(Slice(1, 1, 3), second, name="cut"), name="b_c", params=narrow), name="c")
    back = b.add(Past("c", "spike[1x5]"), name="back")
    d = b.add(RELAY, b.add(Synapse(1), back, name="c_d"), name="d")
    return b.build({"d": d, "copies": "copies"})


ACTIVITY = {
    "x": np.array([[3, 1]]),
    "a": np.array([[1, 0, 2], [0, 1, 0], [4, 4, 4]]),  # by the step of the window
    "copies": np.array([[16]]),  # of all together
    "b": np.array([[2, 3, 4]]),
    "c": np.array([[0, 1, 0, 0, 0], [1, 0, 0, 0, 1], [2, 2, 2, 2, 2]]),
    "d": np.array([[3]]),
}


def test_events_by_hand():
    events = count_events(net(), ACTIVITY, samples=6, steps=3)
    assert (events.samples, events.steps) == (6, 3)
    assert events.spikes == {"x": 4, "a": 16, "copies": 16, "b": 9, "c": 13, "d": 3}
    assert events.synaptic == {
        "x_a": 4 * 3,
        "x_wide": 4 * 4,
        "a_b": 3,  # what is two steps late of the second and third step arrives in no window
        "b_c": (3 + 4) * 5,
        "c_d": 1 + 2,
    }
    assert events.updates == {"a": 3 * 18, "copies": 8 * 18, "b": 3 * 18, "c": 5 * 18, "d": 5 * 18}


def test_what_is_read_late_is_counted_by_the_step():
    assert delayed_sources(net()) == {"a", "c"}


def test_one_number_is_enough_where_all_elements_have_the_same_fan_out_and_nothing_is_cut():
    assert counted_as_one(net()) == {"copies", "d"}
    b = GraphBuilder("chain", 1)
    a = b.add(RELAY, b.add(Synapse(1), b.add(Input("spike[2]"), name="x"), name="s"), name="a")
    assert counted_as_one(b.build({"y": b.add(RELAY, b.add(Synapse(1), a, name="t"), name="y")})) == {"a", "y"}


def test_a_population_without_sources_has_no_events():
    b = GraphBuilder("alone", 2)
    b.add(Input("spike[2]"), name="x")
    back = b.add(Past("y", "spike[2]"), name="back")
    graph = b.build({"y": b.add(RELAY, b.add(Synapse(0), back, name="s"), name="y")})
    events = count_events(graph, {"x": np.zeros((1, 2)), "y": np.zeros((2, 2))}, samples=1, steps=2)
    assert events.synaptic == {"s": 0}
