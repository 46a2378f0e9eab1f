"""Bills by hand: sums, ranges, what moves them, and what they do not know."""

from __future__ import annotations

from fractions import Fraction

import pytest

from compile.energy.bill import Bill, BillLine, EnergyRange, bill
from ir.profile import Profile, Quantity


def quantity(value: int, low: int | None = None, high: int | None = None, lender: str = "") -> Quantity:
    low, high = (None if bound is None else Fraction(bound) for bound in (low, high))  # type: ignore[assignment]
    return Quantity(Fraction(value), "pJ", "a test", "assumed", lender=lender, low=low, high=high)


PRICES = {"a": quantity(2, low=1, high=5), "b": quantity(10, high=11), "c": quantity(7, lender="other")}
PROFILE = Profile("made up", "a test", "", {"energy": PRICES})


def test_a_bill_is_the_sum_of_counts_times_prices_and_so_is_its_range():
    own = bill("m", {"a": 3, "b": 4, "c": Fraction(1, 2)}, PROFILE)
    assert own.energy == EnergyRange(Fraction("49.5"), Fraction("46.5"), Fraction("62.5"))
    assert own.moves_most is not None
    assert own.moves_most.price == "a", "12 pJ between least and most; 4 of the other"
    assert own.lenders == ("other",)
    assert own.plain()["moves_most"] == {"name": "a", "by": 12.0, "unit": "pJ"}


def test_what_did_not_happen_is_no_line():
    assert bill("m", {"a": 0, "d": 0}, PROFILE).lines == ()
    assert bill("m", {}, PROFILE).energy == EnergyRange(Fraction(0), Fraction(0), Fraction(0))
    assert bill("m", {"c": 1}, PROFILE).moves_most is None


@pytest.mark.parametrize(("essential", "known"), [([], True), (["d"], False)])
def test_a_price_that_nobody_published_is_left_out_or_makes_all_unknown(essential: list[str], known: bool):
    own = bill("m", {"a": 3, "d": 4}, PROFILE, essential, ["the rest"])
    assert (own.energy is not None) == known
    assert own.left_out == ("d (no price)", "the rest")
    assert own.plain()["lines"][1] == {"name": "d", "count": 4.0, "price": None, "energy": None}


def test_bills_of_one_model_add_up_price_by_price():
    first, second = bill("m", {"a": 1, "b": 1}, PROFILE, [], ["x"]), bill("m", {"b": 2, "d": 1}, PROFILE, ["d"], ["y"])
    both = first + second
    assert {line.price: line.count for line in both.lines} == {"a": 1, "b": 3, "d": 1}
    assert both.energy is None
    assert both.left_out == ("d (no price)", "x", "y")
    assert (first + first).energy == bill("m", {"a": 2, "b": 2}, PROFILE).energy


def test_a_line_without_a_price_has_no_energy():
    assert BillLine("a", Fraction(1), None).energy is None
    assert Bill("m", "p", ()).plain()["energy"] == {"value": 0.0, "low": 0.0, "high": 0.0, "unit": "pJ"}
