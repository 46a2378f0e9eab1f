"""Counted events per sample, as kinds that have a price each, and what they cost."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from backends.trace import Events
from compile.energy.simulated import Counts, missing_prices, node_counts
from hw_profiles import load
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.ops import Input, Linear
from ir.ops.integer_neuron import IntegerLif


@pytest.fixture
def chip() -> Graph:
    """A payload input and a spike input of two elements each, both into three neurons."""
    b = GraphBuilder("net", 2)
    g, s = b.add(Input("graded<8>[2]"), name="g"), b.add(Input("spike[2]"), name="s")
    weight = b.param("w", np.ones((3, 2), np.int8))
    currents = [b.add(Linear(), x, name=f"l{x}", params={"weight": weight}) for x in (g, s)]
    return b.build({"y": b.add(IntegerLif(4095, 0, 1, 6, 12, 24), *currents, name="y")})


EVENTS = Events(2, 2, {"g": 3, "s": 4, "y": 5}, {"lg": 9, "ls": 12}, {"y": 12})


def test_events_are_per_sample_and_payloads_a_kind_of_their_own(chip: Graph):
    assert node_counts(chip, EVENTS) == {
        "lg": Counts(graded_event=Fraction(9, 2)),
        "ls": Counts(synaptic_event=Fraction(6)),
        "y": Counts(neuron_update=Fraction(6), spike=Fraction(5, 2)),
    }


def test_energy_is_counts_times_prices(chip: Graph):
    total = sum(node_counts(chip, EVENTS).values(), Counts())
    assert total.by_price() == {
        "synaptic_event": 6,
        "graded_event": Fraction(9, 2),
        "neuron_update": 6,
        "spike": Fraction(5, 2),
    }
    prices = load("loihi2").tables["energy"]
    expected = sum(Fraction(prices[name].value) * events for name, events in total.by_price().items())
    assert total.energy_pj(load("loihi2")) == expected > 0
    assert Counts().energy_pj(load("45nm")) == 0


def test_prices_of_what_happened_are_missed_by_name(chip: Graph):
    assert missing_prices(chip, EVENTS, load("loihi2")) == ()
    needed = ("synaptic_event", "graded_event", "neuron_update", "spike")
    assert missing_prices(chip, EVENTS, load("45nm")) == needed
    silent = Events(2, 2, {"g": 0, "s": 0, "y": 0}, {"lg": 0, "ls": 0}, {"y": 0})
    assert missing_prices(chip, silent, load("45nm")) == ()
    with pytest.raises(CompileError, match=r"profile\.missing"):
        Counts(spike=Fraction(1)).energy_pj(load("45nm"))
