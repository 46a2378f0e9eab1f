"""The facts of the network of `test_comparison`: what its formula charges, what a table does, what the host computes."""

from __future__ import annotations

from fractions import Fraction

from compile.energy.facts import sample_facts
from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.simulated import Counts
from tests.compile.energy.test_comparison import X, counted, lowered, measured, source
from tests.compile.energy.test_like_for_like import TABLE


def test_facts_by_hand():
    rates, events = measured(source(), {"x": X}).rates, counted(lowered(), {"x": X})
    facts = sample_facts(source(), rates, lowered(), events, TABLE, [source()])
    assert facts.counts == Counts(Fraction(23), Fraction(0), Fraction(10), Fraction(7))
    assert facts.formula == facts.host == ArithmeticWork(Fraction(17)), "the host computes all of it again"
    assert facts.published == ArithmeticWork(Fraction(100))
    assert sample_facts(source(), rates, lowered(), events).published is None
