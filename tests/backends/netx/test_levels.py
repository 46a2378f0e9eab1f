"""Populations in layers: depths, relays for what is read later, and what cannot be handed on."""

from __future__ import annotations

from typing import Any

import pytest

from backends.netx.levels import levels_of
from ir.errors import CompileError
from ir.ops import Past
from ir.ops.integer_neuron import IntegerLeaky


def test_a_chain_needs_no_relays(chip: Any) -> None:
    net = chip()
    one = net.lif(net.linear(net.input("spike[3]"), 4), name="one")
    levels = levels_of(net.graph(net.lif(net.linear(one, 2), name="two")), ["x"])
    assert levels.members == (("x",), ("one",), ("two",))
    assert levels.relays == 0
    assert [levels.size(level) for level in range(3)] == [3, 4, 2]


def test_what_is_read_or_leaves_later_is_handed_on(chip: Any) -> None:
    net = chip()
    x = net.input("spike[3]")
    one = net.lif(net.linear(x, 4), name="one")
    two = net.lif(net.linear(one, 5), name="two")
    three = net.lif(net.linear(two, 2), net.linear(x, 2), name="three")
    levels = levels_of(net.graph(three, "one"), ["x"])
    assert levels.members == (("x",), ("x", "one"), ("x", "one", "two"), ("one", "three"))
    assert levels.relays == 3 + (3 + 4) + 4
    assert levels.is_relay(1, "x")
    assert not levels.is_relay(1, "one")
    assert levels.places(2) == {"x": slice(0, 3), "one": slice(3, 7), "two": slice(7, 12)}


def test_payloads_are_not_handed_on(chip: Any) -> None:
    net = chip()
    x = net.input("graded<8>[3]")
    one = net.lif(net.linear(x, 4), name="one")
    with pytest.raises(CompileError, match="%x emits payloads, and is read later"):
        levels_of(net.graph(net.lif(net.linear(one, 2), net.linear(x, 2), name="two")), ["x"])
    net = chip()
    spikes = net.input("spike[3]")
    read = net.builder.add(IntegerLeaky(4095, 0, 6, 12, 24, 24), net.linear(spikes, 4), name="read")
    two = net.lif(net.linear(net.lif(net.linear(spikes, 4), name="one"), 2), name="two")
    with pytest.raises(CompileError, match="%read emits payloads") as caught:
        levels_of(net.graph(two, read), ["x"])
    assert caught.value.rule == "netx.chain"


def test_loops_of_several_populations_are_refused(chip: Any) -> None:
    net = chip()
    before = net.builder.add(Past("two", "spike[4]"), name="before")
    one = net.lif(net.linear(net.input("spike[3]"), 4), net.linear(before, 4), name="one")
    two = net.lif(net.linear(one, 4), name="two")
    with pytest.raises(CompileError, match="%one is in a loop with %two") as caught:
        levels_of(net.graph(two), ["x"])
    assert caught.value.rule == "netx.loop"


def test_a_chip_without_neurons_is_no_network(chip: Any) -> None:
    net = chip()
    with pytest.raises(CompileError, match="nothing of the network is left to the chip"):
        levels_of(net.graph(net.input("spike[3]")), ["x"])
