"""Constants worked out by hand, and what they do at ties, below zero and one step late: every v against the integer neuron."""

from __future__ import annotations

import numpy as np
import pytest

from backends.sanafe.neurons import TRACE, flat_neurons, leaves_range, obstacle
from ir.graph import GraphBuilder
from ir.ops import Burst, Input, IntegerLif, Linear


def population(op, **params):
    builder = GraphBuilder("net", 2)
    weight = {"weight": builder.param("w", np.ones((2, 1), np.int32))}
    current = builder.add(Linear(), builder.add(Input("spike[1]"), name="x"), name="l", params=weight)
    roles = {role: builder.param(role, np.array(values, np.int32)) for role, values in params.items()}
    graph = builder.build({"y": builder.add(op, current, name="y", params=roles)})
    return graph, graph.nodes["y"]


def test_a_plain_neuron_in_units_of_64():
    """Decay 1024 of 4096 leaves 3/4; one unit of weight is 2^6 of v and so 1 V; vth 5 is 5 V; bias 32 is half a V."""
    found = flat_neurons(*population(IntegerLif(4095, 1024, 5, 6, 12, 24), bias=[32, -64]))
    assert (found.gain, found.reset, found.copies) == (1.0, "hard", 1)
    for array, values in ((found.threshold, [5, 5]), (found.leak, [0.75, 0.75]), (found.bias, [0.5, -1])):
        assert array.tolist() == values
    assert not found.start.any()
    assert not found.echo.any()


def test_constants_of_single_neurons_and_a_start():
    """A start v0 has decayed once when the first step takes it: 300 * 3/4 = 225, -7 * 1/2 = -3.5 -> -3, in 64ths."""
    found = flat_neurons(*population(IntegerLif(4095, 0, 0, 4, 12, 24), vth=[9, 4], dv=[1024, 2048], v0=[300, -7]))
    assert found.gain == 0.25
    assert found.threshold.tolist() == [9 / 4, 1.0]
    assert found.leak.tolist() == [0.75, 0.5]
    assert (found.start * 64).tolist() == [225, -3]


@pytest.mark.parametrize(
    ("op", "threshold", "start"),
    [
        (IntegerLif(4095, 9, 5, 6, 12, 24, reset="subtract", theta=320), 320, 0),
        (IntegerLif(4095, 9, 5, 6, 12, 24, reset="subtract", theta=320, comparator=">="), 320 - TRACE, 0),
        (IntegerLif(4095, 0, 5, 6, 12, 24, reset="subtract", theta=300), 300, -20),
    ],
    ids=["above", "at", "elsewhere"],
)
def test_a_reset_that_subtracts(op, threshold, start):
    found = flat_neurons(*population(op))
    assert found.reset == "soft"
    assert (found.threshold * 64).tolist() == [threshold] * 2
    assert (found.start * 64).tolist() == [start] * 2


def test_what_a_tie_leaves_too_much_is_gone_at_the_next_truncation():
    """From every v that fires, of every decay: what is left is that of the integers."""
    op = IntegerLif(4095, 0, 1, 0, 12, 24, reset="subtract", theta=4097, comparator=">=")
    threshold, v = (op.theta - TRACE) / 64, np.arange(op.theta, op.theta + 9000)
    for dv in (0, 1, 2, 500, 2048, 4095, 4096):
        unrounded = (v / 64 - threshold) * ((4096 - dv) / 4096)
        assert np.array_equal(np.trunc(unrounded * 64), (v - op.theta) * (4096 - dv) >> 12)


def test_a_late_reset_is_an_own_synapse_and_bursts_are_neurons_of_their_own():
    late = flat_neurons(*population(IntegerLif(4095, 9, 5, 6, 12, 24, reset="subtract", theta=320, reset_at="next")))
    assert (late.reset, late.echo.tolist()) == ("none", [-5, -5])
    burst = flat_neurons(*population(Burst(3)))
    assert (burst.copies, burst.gain, burst.threshold.tolist()) == (3, 1, [0, 0, 1, 1, 2, 2])
    assert obstacle(*population(Burst(3))) is None


@pytest.mark.parametrize(("current", "left"), [(131071, False), (-131071, False), (131072, True), (-131072, True)])
def test_currents_and_membranes_beyond_24_bits_leave_the_range(current, left):
    _, node = population(IntegerLif(4095, 0, 5, 6, 12, 24))
    assert leaves_range(node, {}, np.array([[[0, current]]])) is left


def test_a_membrane_is_followed_over_the_steps():
    _, node = population(IntegerLif(4095, 0, 131071, 6, 12, 24))
    assert not leaves_range(node, {}, np.array([[[70000, 0]], [[0, 70000]]]))
    assert leaves_range(node, {}, np.array([[[-70000, 0]], [[-70000, 0]]]))
