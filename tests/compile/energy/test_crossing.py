"""What crosses between host and chip: counted in any case, priced where the profile states all prices that it takes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from backends.trace import Crossing
from compile.energy.crossing import CrossingCost, crossing_cost
from hw_profiles import load
from ir.profile import Profile, Quantity

SPIKES = Crossing(1, "host", "s", 1, 4, events=7, bits=0)
PAYLOADS = Crossing(2, "chip", "m", 6, 4, events=3, bits=24)


def priced(**prices: int) -> Profile:
    loihi2 = load("loihi2")
    own = {key: Quantity(Fraction(value), "pJ", "a test", "assumed") for key, value in prices.items()}
    return replace(loihi2, tables={**loihi2.tables, "energy": {**loihi2.tables["energy"], **own}})


def test_events_and_bits_have_prices_of_their_own():
    cost = crossing_cost([SPIKES, PAYLOADS], 2, priced(crossing_event=100, crossing_bit=5))
    assert cost == CrossingCost(Fraction(10, 2), Fraction(24, 2), Fraction(10 * 100 + 24 * 5, 2))
    assert cost.plain() == {"events": 5.0, "bits": 12.0, "energy_pj": 560.0}
    assert cost.text() == "5 events with 12 bits of payload"


@pytest.mark.parametrize(
    ("prices", "crossing", "unpriced"),
    [
        ({}, SPIKES, ("crossing_event",)),
        ({}, PAYLOADS, ("crossing_event", "crossing_bit")),
        ({"crossing_event": 100}, PAYLOADS, ("crossing_bit",)),
        ({"crossing_event": 100}, SPIKES, ()),
    ],
)
def test_a_price_that_is_missing_is_not_zero(prices: dict[str, int], crossing: Crossing, unpriced: tuple[str, ...]):
    cost = crossing_cost([crossing], 1, priced(**prices))
    assert (cost.unpriced, cost.energy_pj, cost.counted_pj) == (
        (unpriced, None, 0) if unpriced else ((), 7 * 100, 7 * 100)
    )
    assert cost.events == crossing.events


def test_a_sum_with_something_unpriced_is_unpriced():
    profile = priced(crossing_event=100)
    spikes, payloads = (crossing_cost([each], 1, profile) for each in (SPIKES, PAYLOADS))
    assert spikes + payloads == CrossingCost(Fraction(10), Fraction(24), None, ("crossing_bit",))
    assert (spikes + spikes).energy_pj == 2 * 7 * 100


def test_what_does_not_cross_needs_no_price():
    assert crossing_cost([], 0, load("loihi2")) == CrossingCost()
