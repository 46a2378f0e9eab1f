"""Two steps in a row are one equation; what reads what the older one is, reads its own past."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from frontend.tracing.written.expressions import Expression, exactly
from frontend.tracing.written.loops.rolling import CURRENT, SPIKES, STATE, Afferent, equations, rolled


def term(name: str, *args: Any) -> Expression:
    return Expression(None, name, args)


def x(step: int | None) -> Expression:
    return Expression((CURRENT, "x", (), step))


def filtered(steps: int) -> list[Expression]:
    """syn <- syn / 2 + x; mem <- mem / 4 + syn, from zeros."""
    syn, mem, made = x(0), x(0), [x(0)]
    for step in range(1, steps):
        syn = term("add", term("mul", syn, 0.5), x(step))
        mem = term("add", term("mul", mem, 0.25), syn)
        made.append(mem)
    return made


def test_states_are_found_by_who_reads_them() -> None:
    made = filtered(6)
    loop = rolled(None, 5, made[-1], made[-2])
    assert len(loop.states) == 2
    assert loop.root in loop.states
    assert loop.sources == (Afferent(CURRENT, ("x", ()), 0),)
    (syn,) = [state for state in loop.states if state is not loop.root]
    past = {id(loop.root): Fraction(4), id(syn): Fraction(2)}
    assert loop.root.evaluate(past, {loop.sources[0]: Fraction(3)}, exactly, {}) == 4 * Fraction(1, 4) + 1 + 3


def test_a_site_reads_its_own_state_and_spikes() -> None:
    def step(t: int) -> Expression:
        state, spikes = Expression((STATE, "site", t - 1)), Expression((SPIKES, "site", t - 1))
        return term("add", term("mul", state, term("rsub", spikes, 1.0)), x(t))

    loop = rolled("site", 3, step(3), step(2))
    assert loop.states == (loop.root,)
    assert set(loop.sources) == {Afferent(SPIKES, ("site",), 1), Afferent(CURRENT, ("x", ()), 0)}
    assert [equation.constant for equation in equations(loop.root) if equation.constant is not None] == [1.0]


def test_a_first_step_that_is_made_in_another_way_tells_less() -> None:
    loop = rolled(
        "site", 1, term("add", term("mul", Expression((STATE, "site", 0)), 0.5), x(1)), term("add", x(0), 0.0)
    )
    assert loop.states == (loop.root,)


def test_a_value_that_never_changes_has_no_lag() -> None:
    newer, older = (term("add", x(None), x(step)) for step in (4, 3))
    loop = rolled(None, 4, newer, older)
    assert set(loop.sources) == {Afferent(CURRENT, ("x", ()), None), Afferent(CURRENT, ("x", ()), 0)}
    assert not loop.states
    late = rolled(None, 4, newer, older, start=2)
    assert set(late.sources) == {Afferent(CURRENT, ("x", ()), None, start=2), Afferent(CURRENT, ("x", ()), 0)}
