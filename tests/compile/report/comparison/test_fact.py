"""Facts: numbers in units that fit, texts as they are."""

from __future__ import annotations

import pytest

from compile.report.comparison.fact import NOTHING, Fact, fitting_unit, is_same, plain_name


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (Fact("gpu"), "gpu"),
        (Fact(None, "pJ"), "-"),
        (Fact(1234567), "1,234,567"),
        (Fact(0.98765), "0.9877"),
        (Fact(999.4, "pJ"), "999.4 pJ"),
        (Fact(2385.7625, "pJ"), "2.386 nJ"),
        (Fact(-2.5e7, "pJ"), "-25 uJ"),
        (Fact(5e16, "pJ"), "50,000 J"),
        (Fact(2666.94, "ns"), "2.667 us"),
        (Fact(0.07386, "share"), "7.386 %"),
        (Fact(733925.4, "/s"), "733,925 /s"),
        (Fact(float("nan")), "nan"),
    ],
)
def test_alone_it_has_the_unit_that_fits(fact: Fact, text: str):
    assert fact.alone() == text


def test_facts_beside_each_other_share_the_unit_of_the_largest():
    facts = [Fact(12.0, "pJ"), NOTHING, Fact("unknown"), Fact(4.5e6, "pJ")]
    assert fitting_unit(facts) == "uJ"
    assert [fact.text("uJ") for fact in facts] == ["1.2e-05", "-", "unknown", "4.5"]
    assert fitting_unit([NOTHING, Fact("text")]) == ""


def test_what_is_not_a_number_is_the_same_as_that():
    assert is_same(Fact(8), Fact(8.0))
    assert is_same(Fact(float("nan")), Fact(float("nan")))
    assert is_same(NOTHING, Fact(None, "pJ"))
    assert not is_same(Fact(0), NOTHING)
    assert not is_same(Fact(1.0), Fact(1.0 + 1e-12))


def test_programs_get_the_unit_in_the_name():
    assert plain_name("step", [NOTHING, Fact(3.0, "ns")]) == "step ns"
    assert plain_name("rate", [Fact(0.5, "share")]) == "rate"
    assert plain_name("cores", [Fact(3)]) == "cores"
