"""Dense layers: several populations and relays in one matrix, delays of single synapses, recurrence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.netx.dense import RELAY_WEIGHT, dense_layer
from backends.netx.layer import NetxLayer
from backends.netx.levels import levels_of
from ir.errors import CompileError
from ir.graph import Graph
from ir.ops import Delay, Past


def layer(graph: Graph, level: int) -> NetxLayer:
    return dense_layer(levels_of(graph, [node.name for node in graph.inputs]), level)


def weights(own: NetxLayer) -> list[list[int]]:
    return np.asarray(own.synapses["weight"]).tolist()


def test_populations_and_relays_share_a_matrix(chip: Any) -> None:
    net = chip()
    x = net.input("spike[2]")
    one = net.lif(net.linear(x, 1, [[5, 6]]), name="one", vth=30)
    two = net.lif(net.linear(one, 1, [[7]]), net.linear(x, 1, [[-8, 9]]), net.linear(x, 1, [[1, 1]]), name="two")
    graph = net.graph(two)
    first, second = layer(graph, 1), layer(graph, 2)
    assert weights(first) == [[RELAY_WEIGHT, 0], [0, RELAY_WEIGHT], [5, 6]]
    assert first.neurons.threshold.tolist() == [1, 1, 30]
    assert weights(second) == [[-7, 10, 7]], "currents of the same source add up"
    assert (first.kind, first.shape, first.late, first.remembers) == ("dense", (3,), 0, False)
    assert "delay" not in first.entries(0)


def test_every_synapse_has_its_own_delay(chip: Any) -> None:
    net = chip()
    steps = net.builder.param("steps", np.array([3, 1]))
    line = net.builder.add(Delay(), net.input("spike[2]"), name="line", params={"steps": steps})
    own = layer(net.graph(net.lif(net.linear(line, 2, [[5, 6], [0, 7]]), name="out")), 1)
    assert (own.late, own.remembers) == (1, True)
    assert np.asarray(own.entries(0)["delay"]).tolist() == [[3, 1], [1, 1]], "where there is no synapse, the least"
    assert np.asarray(own.entries(1)["delay"]).tolist() == [[2, 0], [0, 0]]


def test_two_delays_between_the_same_neurons_are_refused(chip: Any) -> None:
    net = chip()
    x = net.input("spike[2]")
    line = net.builder.add(Delay(2), x, name="line")
    graph = net.graph(net.lif(net.linear(x, 2), net.linear(line, 2), name="out"))
    with pytest.raises(
        CompileError, match="%out: two synapses between the same neurons, of different delays"
    ) as caught:
        layer(graph, 1)
    assert caught.value.rule == "netx.delay"


def test_recurrence_takes_one_step(chip: Any) -> None:
    def graph(steps: int) -> Graph:
        net = chip()
        before = net.builder.add(Past("out", "spike[2]", steps), name="before")
        own = net.linear(before, 2, [[1, 2], [3, 4]])
        return net.graph(net.lif(net.linear(net.input("spike[3]"), 2), own, name="out"))

    own = layer(graph(1), 1)
    assert (own.kind, own.remembers) == ("dense_rec", True)
    assert np.asarray(own.synapses["weight_rec"]).tolist() == [[1, 2], [3, 4]]
    with pytest.raises(CompileError, match="%out feeds back to itself after 2 steps") as caught:
        layer(graph(2), 1)
    assert caught.value.rule == "netx.loop"


def test_recurrent_layers_have_no_delays(chip: Any) -> None:
    net = chip()
    before = net.builder.add(Past("out", "spike[2]"), name="before")
    line = net.builder.add(Delay(2), net.input("spike[3]"), name="line")
    own = layer(net.graph(net.lif(net.linear(line, 2), net.linear(before, 2), name="out")), 1)
    with pytest.raises(CompileError, match="delays of up to 2 steps"):
        own.entries(0)


def test_large_layers_and_wide_sums_are_refused(chip: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net = chip()
    graph = net.graph(net.lif(net.linear(net.input("graded<24>[4]"), 2, [[120] * 4] * 2), name="out"))
    with pytest.raises(CompileError, match="its sums could leave 32 bits"):
        layer(graph, 1)
    monkeypatch.setattr("backends.netx.dense.MOST_ELEMENTS", 7)
    with pytest.raises(CompileError, match="%out: a layer of 2 x 4 weights, more than 7") as caught:
        layer(graph, 1)
    assert caught.value.rule == "netx.size"
