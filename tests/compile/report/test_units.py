"""Energies with units: for one number, for a column, and without exponents."""

from __future__ import annotations

from fractions import Fraction

import pytest

from compile.report.units import energy_text, energy_unit, in_unit


@pytest.mark.parametrize(
    ("pj", "text"),
    [
        (None, "-"),
        (Fraction(0), "0 pJ"),
        (Fraction(999), "999 pJ"),
        (Fraction(1000), "1 nJ"),
        (Fraction(-25_400), "-25.4 nJ"),
        (Fraction(3_216_000), "3.22 uJ"),
        (Fraction(10**13), "1e+04 mJ"),
    ],
)
def test_energies_have_the_unit_that_fits(pj: Fraction | None, text: str):
    assert energy_text(pj) == text


def test_a_column_has_the_unit_of_its_largest():
    assert energy_unit([None, Fraction(5), Fraction(-12_000)]) == "nJ"
    assert energy_unit([None]) == "pJ"
    assert energy_unit([Fraction(10**13)]) == "mJ"


@pytest.mark.parametrize(
    ("pj", "text"), [(None, "-"), (0, "0"), (1, "<0.001"), (1500, "0.0015"), (999_700_000, "1,000"), (42_000_000, "42")]
)
def test_numbers_have_no_exponent(pj: int | None, text: str):
    assert in_unit(None if pj is None else Fraction(pj), "uJ") == text
