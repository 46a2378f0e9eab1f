"""Taps: a value is the sum of its taps at every step, whatever delays and back edges lie before it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.netx.taps import taps_of
from ir.errors import CompileError
from ir.interpreter import interpret
from ir.ops import Add, Delay, Past


def test_a_value_is_the_sum_of_its_taps(chip: Any) -> None:
    net = chip(9)
    x = net.input("spike[4]")
    steps = net.builder.param("steps", np.array([0, 2, 1, 2]))
    line = net.builder.add(Delay(), x, name="line", params={"steps": steps})
    later = net.builder.add(Delay(1), net.linear(line, 3), name="later")
    net.builder.add(Add(), later, net.linear(x, 3), name="current")
    graph = net.graph("current", net.lif("current", name="out"))
    taps = taps_of(graph, "current")
    assert sorted(taps) == [("x", 0), ("x", 1), ("x", 2), ("x", 3)]
    spikes = np.random.default_rng(2).integers(0, 2, (9, 1, 4))
    past = {late: np.concatenate([np.zeros((late, 4), int), spikes[:, 0]])[:9] for _, late in taps}
    total = sum(past[late] @ weights.T for (_, late), weights in taps.items())
    np.testing.assert_array_equal(total, interpret(graph, {"x": spikes})["out_current"][:, 0])


def test_a_back_edge_is_a_tap_of_an_earlier_step(chip: Any) -> None:
    net = chip()
    before = net.builder.add(Past("out", "spike[2]", 3), name="before")
    own = net.linear(before, 2, [[1, 2], [3, 4]])
    graph = net.graph(net.lif(net.linear(net.input("spike[4]"), 2), own, name="out"))
    assert {key: weights.toarray().tolist() for key, weights in taps_of(graph, own).items()} == {
        ("out", 3): [[1, 2], [3, 4]]
    }


def test_silent_taps_are_none(chip: Any) -> None:
    net = chip()
    current = net.linear(net.input("spike[2]"), 2, [[0, 0], [0, 0]])
    assert not taps_of(net.graph(net.lif(current, name="out")), current)


def test_a_ring_without_a_neuron_and_a_huge_matrix_are_refused(chip: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net = chip()
    x = net.input("spike[2]")
    before = net.builder.add(Past("ring", "current[2]"), name="before")
    net.builder.add(Add(), net.linear(x, 2), before, name="ring")
    graph = net.graph(net.lif("ring", name="out"))
    with pytest.raises(CompileError, match="%before repeats a current, without a neuron in the loop"):
        taps_of(graph, "ring")
    monkeypatch.setattr("backends.netx.taps.MOST_ELEMENTS", 3)
    with pytest.raises(CompileError, match="a matrix of 4 elements, more than 3"):
        taps_of(graph, x)
