"""One run at several prices, by hand: the network of `test_comparison` with 23 events, 10 updates, 7 spikes."""

from __future__ import annotations

from fractions import Fraction

import pytest

from compile.energy.crossing import CrossingCost
from compile.energy.facts import sample_facts
from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.formula.published import PublishedRow, PublishedTable
from compile.energy.like_for_like import PriceTable, price_table, ratio, summed
from hw_profiles import load
from tests.compile.energy.test_comparison import X, counted, gated, lowered, measured, source

TABLE = PublishedTable(
    "a paper", (PublishedRow("First", "first", frozenset({"linear"}), "100", lambda operations: 100),)
)


def tables(*profiles: str, published: PublishedTable | None = None) -> list[PriceTable]:
    rates, events = measured(source(), {"x": X}).rates, counted(lowered(), {"x": X})
    facts = sample_facts(source(), rates, lowered(), events, published, crossing=CrossingCost(Fraction(3)))
    return [price_table(facts, load(profile)) for profile in profiles]


def value(bill: object) -> Fraction:
    energy = getattr(bill, "energy")  # noqa: B009
    assert energy is not None
    return energy.value


def test_network_and_twin_at_the_same_prices():
    floats, integers, chip = tables("45nm", "45nm-int8", "loihi1")
    assert [value(own.network) for own in (floats, integers)] == [Fraction("0.9") * 23, Fraction("0.03") * 23]
    assert value(chip.network) == Fraction("23.6") * 23 + 52 * 10 + Fraction("1.7") * 7
    assert [value(own.dense) for own in (floats, integers)] == [Fraction("4.6") * 15, Fraction("0.23") * 15]
    assert floats.dense_over_network == pytest.approx(69 / 20.7)
    assert chip.dense_over_network == pytest.approx(622.5 / 1074.7)


def test_modules_add_up_to_the_network():
    for own in tables("45nm", "loihi1"):
        assert sum(value(each.network) for each in own.layers) == value(own.network)
        assert sum(value(each.dense) for each in own.layers) == value(own.dense)
        formulas = [value(each.formula) for each in own.layers if each.formula is not None]
        assert sum(formulas) == (0 if own.formula is None else value(own.formula))


def test_the_papers_formula_and_a_paper_s_table_are_two_rows_and_at_chip_prices_none():
    floats, chip = tables("45nm", "loihi1", published=TABLE)
    assert value(floats.formula) == Fraction("0.9") * 17
    assert value(floats.published) == Fraction("0.9") * 100  # T x rate x 100 at a half
    assert chip.formula is None
    assert chip.published is None
    assert tables("45nm")[0].published is None


def test_prices_that_nothing_is_charged_at_are_named():
    floats, integers, chip = tables("45nm", "45nm-int8", "loihi1")
    assert floats.unused == ("dram", "memory_access", "memory_access_per_bit", "sram_1m", "sram_32k", "sram_8k")
    assert integers.unused == ("dram", "sram_1m", "sram_32k", "sram_8k"), "with accesses to memory"
    assert {"e_ac", "e_mac"} < {*chip.unused}, "the host does nothing"
    assert not {"hop_east_west", "static_power"} & {*chip.unused}, "a map's"
    assert summed([[floats], [floats]])[0].unused == floats.unused


def test_what_crosses_is_left_out_where_it_has_no_price():
    assert "crossing_event (no price)" in tables("loihi1")[0].network.left_out
    assert "crossing_event (no price)" not in tables("ideal")[0].network.left_out


def test_payloads_multiply():
    graph, chip = gated("analog")
    inputs = {"a": X, "g": X}
    events = counted(chip, {name: array.astype(int) for name, array in inputs.items()})
    facts = sample_facts(graph, measured(graph, inputs).rates, chip, events)
    own = value(price_table(facts, load("45nm")).network)
    assert own == Fraction("0.9") * facts.counts.synaptic_event + Fraction("4.6") * facts.counts.graded_event
    assert facts.counts.graded_event


def test_tables_of_parts_add_up_profile_by_profile():
    one = tables("45nm", "loihi1", published=TABLE)
    both = summed([one, one])
    assert [own.profile for own in both] == ["45nm", "loihi1"]
    assert value(both[0].network) == 2 * value(one[0].network)
    assert value(both[0].published) == 2 * value(one[0].published)
    assert both[0].dense_over_network == one[0].dense_over_network
    mixed = summed([one, tables("45nm", "loihi1")])
    assert mixed[0].published is None, "a table of one part is not that of both"


def test_a_ratio_of_what_is_not_known_is_none():
    (own,) = tables("45nm")
    assert ratio(None, own.network.energy) is None
    assert ratio(own.network.energy, own.host.energy) is None, "the host does nothing"
    assert ArithmeticWork() == ArithmeticWork() + ArithmeticWork()
