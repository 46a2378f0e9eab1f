"""Neurons of a file: constants as netx counts them, and every neuron that it lacks refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.netx.neurons import NEVER, NetxNeurons, neurons_of, relays
from ir.errors import CompileError
from ir.ops.integer_neuron import IntegerLeaky, IntegerLif
from ir.ops.neuron import Lif


def neurons(chip: Any, **constants: Any) -> NetxNeurons:
    net = chip()
    arrays = {role: value for role, value in constants.items() if isinstance(value, list)}
    rest = {role: value for role, value in constants.items() if role not in arrays}
    current = net.linear(net.input("spike[2]"), 2)
    options = {"du": 4095, "dv": 7, "vth": 60, "shift": 6, "decay_bits": 12, "state_bits": 24, **rest}
    params = {role: net.builder.param(role, np.array(value, np.int32)) for role, value in arrays.items()}
    net.builder.add(IntegerLif(**options), current, name="out", params=params)
    graph = net.graph("out")
    return neurons_of(graph, graph.nodes["out"])


def test_constants_are_counted_as_netx_does(chip: Any) -> None:
    own = neurons(chip, dv=[0, 4096], bias=[-128, 64])
    assert own.i_decay.tolist() == [4096, 4096], "netx makes du = iDecay - 1"
    assert own.v_decay.tolist() == [0, 4096]
    assert own.threshold.tolist() == [60, 60]
    assert own.bias.tolist() == [-2, 1], "in weight units"


@pytest.mark.parametrize(
    ("constants", "rule", "what"),
    [
        ({"reset": "subtract", "theta": 640}, "netx.neuron", "resets by subtract"),
        ({"reset_at": "next"}, "netx.neuron", "resets one step late"),
        ({"max_spikes": 3, "theta": 640}, "netx.neuron", "fires more than once"),
        ({"comparator": ">="}, "netx.neuron", "fires at its threshold"),
        ({"shift": 5}, "netx.neuron", "computes with other integers"),
        ({"state_bits": 22}, "netx.neuron", "computes with other integers"),
        ({"v0": 3}, "netx.start", "does not start at zero"),
        ({"vth": (1 << 17) - 1}, "netx.threshold", "thresholds of 131071..131071"),
        ({"vth": -1}, "netx.threshold", "thresholds of -1..-1"),
        ({"bias": [64, 65]}, "netx.bias", "no whole weight units"),
        ({"bias": [0, 1 << 21]}, "netx.bias", "of 16 bits"),
    ],
)
def test_what_no_neuron_of_netx_does_is_refused(chip: Any, constants: dict[str, Any], rule: str, what: str) -> None:
    with pytest.raises(CompileError, match=what) as caught:
        neurons(chip, **constants)
    assert caught.value.rule == rule
    assert caught.value.hint


def test_neurons_without_threshold_never_fire_in_whatever_units_they_add_up(chip: Any) -> None:
    net = chip()
    current = net.linear(net.input("spike[2]"), 2)
    bias = {"bias": net.builder.param("bias", np.array([8, -24], np.int32))}
    net.builder.add(IntegerLeaky(4095, 0, 3, 12, 24, 24), current, name="sum", params=bias)
    net.builder.add(IntegerLeaky(4095, 100, 3, 12, 24, 24), current, name="leaky")
    graph = net.graph("sum", "leaky")
    own = neurons_of(graph, graph.nodes["sum"])
    assert own.threshold.tolist() == [NEVER, NEVER]
    assert own.bias.tolist() == [1, -3]
    with pytest.raises(CompileError, match="%leaky computes with other integers"):
        neurons_of(graph, graph.nodes["leaky"])


def test_neurons_in_floats_are_none_of_netx(chip: Any) -> None:
    net = chip()
    net.builder.add(Lif(decay=0.5), net.linear(net.input("spike[2]"), 2), name="out")
    graph = net.graph("out")
    with pytest.raises(CompileError, match="%out is a lif neuron, not Lava's LIF"):
        neurons_of(graph, graph.nodes["out"])


def test_a_relay_keeps_nothing_from_step_to_step() -> None:
    own = relays(3)
    assert [array.tolist() for array in (own.i_decay, own.threshold, own.bias)] == [[4096] * 3, [1] * 3, [0] * 3]
