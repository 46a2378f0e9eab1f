"""Where a network costs what its twin does, on paper."""

from __future__ import annotations

from fractions import Fraction

import pytest

from compile.energy.bill import bill
from compile.energy.models.break_even import BreakEven, SynapseUse, break_even
from hw_profiles import load

CHIP, FLOATS = load("loihi1"), load("45nm")
USE = SynapseUse(events=Fraction(30), macs=100, steps=4)


def limit(network: dict[str, int], silent: dict[str, int], twin: dict[str, int], prices=FLOATS) -> BreakEven | None:
    return break_even(*(bill("m", counts, prices, list(counts)) for counts in (network, silent, twin)), USE)


def test_with_arithmetic_alone_it_is_the_ratio_of_the_prices():
    own = limit({"e_ac": 30}, {}, {"e_mac": 100})
    assert own is not None
    assert own.spikes_per_synapse == 0.3
    assert own.at_most == pytest.approx(4.6 / 0.9)
    assert own.rate == pytest.approx(4.6 / 0.9 / 4)
    assert own.wins
    assert own.plain()["at_most"] == own.at_most


def test_what_is_paid_without_a_spike_leaves_less_for_spikes():
    """100 x 23.6 for the twin, 10 x 52 for neurons: 1840 pJ are left for events of 23.6 pJ."""
    own = limit({"synaptic_event": 30, "neuron_update": 10}, {"neuron_update": 10}, {"graded_event": 100}, CHIP)
    assert own is not None
    assert own.at_most == pytest.approx((2360 - 520) / 23.6 / 100)
    dear = limit({"synaptic_event": 30, "neuron_update": 50}, {"neuron_update": 50}, {"graded_event": 100}, CHIP)
    assert dear is not None
    assert (dear.at_most, dear.wins) == (0, False)


def test_nothing_is_said_of_what_is_not_known_or_silent():
    assert limit({"e_ac": 30}, {"e_ac": 30}, {"e_mac": 100}) is None
    assert limit({"axon_out": 30}, {}, {"e_mac": 100}) is None
    assert SynapseUse(Fraction(60), 200, 4) == USE + USE
