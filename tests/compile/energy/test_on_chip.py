"""Events on a map, by hand: two cores, four links, one chip."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from compile.energy.crossing import NOTHING
from compile.energy.dense import DenseTwin
from compile.energy.facts import SampleFacts
from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.models.effective_operations import EffectiveOperations
from compile.energy.models.memory_accesses import MemoryFacts
from compile.energy.on_chip import OnChip, on_chip
from compile.energy.simulated import Counts
from hw_profiles import load
from ir.mapping.timing.links import Links
from ir.mapping.timing.sample_time import Estimate, SampleTime
from ir.mapping.timing.work import StepWork

COUNTS = Counts(synaptic_event=Fraction(100), neuron_update=Fraction(20), spike=Fraction(8))
NONE = ArithmeticWork()
TOOLS = EffectiveOperations(NONE, Fraction(0), NONE)
FACTS = SampleFacts(COUNTS, NOTHING, DenseTwin(0, 0, 1), NONE, None, NONE, TOOLS, MemoryFacts(), 2, ())
LINKS = Links(
    np.array([[0, 0], [1, 0], [1, 0], [1, 1]]),
    np.array([[1, 0], [0, 0], [1, 1], [1, 0]]),
    np.array([3.0, 2.0, 0.5, 0.25]),
)
WORK = StepWork(*(np.array(each, float) for each in ([6, 4], [1, 3], [2, 2.5], [3, 1.5], [20, 30])), LINKS)
STEPS = (2, 7)
"""Of the chip, in a stream and alone."""


def bills(profile: str, chips: int = 1) -> OnChip | None:
    step, stream, alone = (Estimate(ns, ns, ns) for ns in (500.0, 1000.0, 3500.0))
    time = SampleTime(step, step, stream, alone, 0, "synapses", WORK)
    return on_chip(FACTS, time, STEPS, chips, load(profile))


def test_events_messages_hops_and_static_power_of_a_stream_and_of_a_sample_alone():
    own = bills("loihi1-fit", chips=3)
    assert own is not None
    stream = {line.price: line.count for line in own.streaming.lines}
    assert stream == {
        "synaptic_event": 100,
        "spike": 8,
        "neuron_update": 10 * 2,
        "axon_out": 2 * Fraction("4.5"),
        "axon_in": 2 * Fraction("4.5"),
        "hop_east_west": 2 * 5,
        "hop_north_south": 2 * Fraction("0.75"),
        "static_power": 3 * 1000,
    }
    alone = {line.price: line.count for line in own.isolated.lines}
    assert alone == {**stream, "neuron_update": 10 * 7, "static_power": 3 * 3500}
    assert own.streaming.energy is not None
    dynamic = 3550 + Fraction("69.3") * 8 + Fraction("72.8") * 20 + 111 * 9 + 30 + Fraction("4.2") * Fraction("1.5")
    assert own.streaming.energy.value == dynamic + Fraction("104.4") * 3000, "1 mW for 1 ns is 1 pJ"


def test_messages_that_have_no_price_are_named():
    own = bills("loihi1")
    assert own is not None
    assert own.streaming.left_out[:2] == ("axon_out (no price)", "axon_in (no price)")


def test_a_chip_without_prices_has_no_bill():
    assert bills("speck") is None


def test_a_price_that_nothing_is_charged_at_is_named():
    along_rows = Links(LINKS.start[:2], LINKS.end[:2], LINKS.messages[:2])
    step = Estimate(1.0, 1.0, 1.0)
    time = SampleTime(step, step, step, step, 0, "synapses", replace(WORK, links=along_rows))
    own = on_chip(FACTS, time, STEPS, 1, load("loihi1"))
    assert own is not None
    assert own.unused == ("hop_north_south",)
    both = bills("loihi1")
    assert both is not None
    assert (own + both).unused == ()
    assert (both + both).streaming.energy == (both.streaming + both.streaming).energy


@pytest.mark.parametrize(("profile", "pj"), [("truenorth", 2.297 * 100 + 64.4 * 1000)])
def test_truenorth_is_a_line_over_events(profile: str, pj: float):
    own = bills(profile)
    assert own is not None
    assert own.streaming.energy is not None
    assert float(own.streaming.energy.value) == pytest.approx(pj)


def test_a_chip_whose_energies_nobody_states_has_no_bill_of_a_silent_run_either():
    silent = replace(FACTS, counts=Counts())
    step = Estimate(1.0, 1.0, 1.0)
    time = SampleTime(step, step, step, step, 0, "barrier", WORK)
    profile = load("loihi2")
    bare = replace(profile, tables={name: own for name, own in profile.tables.items() if name != "energy"})
    assert on_chip(silent, time, STEPS, 1, bare) is None
