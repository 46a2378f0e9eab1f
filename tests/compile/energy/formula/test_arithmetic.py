"""Arithmetic at prices."""

from __future__ import annotations

from fractions import Fraction

import pytest

from compile.energy.formula.arithmetic import ArithmeticWork
from hw_profiles import load
from ir.errors import CompileError


def test_arithmetic_at_the_papers_prices():
    work = ArithmeticWork(Fraction(3), Fraction(2)) + ArithmeticWork(Fraction(1))
    assert work.by_price() == {"e_ac": 4, "e_mac": 2}
    assert work.energy_pj(load("45nm")) == Fraction("12.8")


def test_a_profile_without_these_prices():
    with pytest.raises(CompileError, match=r"darwin3 has no energy\.e_ac"):
        ArithmeticWork(Fraction(1)).energy_pj(load("darwin3"))
