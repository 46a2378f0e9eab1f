"""What a neuron of the family reads, and what it does not."""

from __future__ import annotations

from fractions import Fraction

import pytest

from frontend.tracing.written.loops.parts import Filter, Parts, check_source, key_of
from frontend.tracing.written.loops.recognition import Firing, Update
from frontend.tracing.written.loops.rolling import CURRENT, SPIKES, STATE, Afferent
from ir.errors import CompileError

X = Afferent(CURRENT, ("x", ()), 0)
HALF, ONE = Fraction(1, 2), Fraction(1)


def test_the_first_current_is_what_the_gain_is_for() -> None:
    update = Update(lambda v, s, x: v + x, Fraction(0), ())
    slow = Filter(HALF, {X: ONE}, Fraction(3), late=False)
    assert Parts(update, ONE, Firing(1.0, ">"), {X: HALF}, (slow,), None).lead == HALF
    assert Parts(update, ONE, Firing(1.0, ">"), {}, (slow,), None).lead == 3
    assert Parts(update, ONE, Firing(1.0, ">"), {}, (), None).lead == 1


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (Afferent(STATE, ("other",), 1), "the membrane of another one"),
        (Afferent(SPIKES, ("site",), 2), "its own spikes of 2 steps before"),
        (Afferent(CURRENT, ("x", ()), -1), "still to come"),
    ],
)
def test_what_is_not_read(source: Afferent, what: str) -> None:
    with pytest.raises(CompileError, match=what):
        check_source(source, "site")
    check_source(X, "site")


def test_a_source_at_a_step() -> None:
    assert key_of(Afferent(CURRENT, ("x", ()), 2), 5) == (CURRENT, "x", (), 3)
    assert key_of(Afferent(CURRENT, ("x", ()), None), 5) == (CURRENT, "x", (), None)
